# limi's hooks for zsh. The variables __limi_* were set by the stand-in for .zshenv.
# Marks: OSC 133 A B C D P, each with k=<nonce>. D and A come from precmd, B from PS1, C from preexec.
if [[ -n $__limi_zdotdir ]]; then ZDOTDIR=$__limi_zdotdir; else unset ZDOTDIR; fi
if [[ -r ${ZDOTDIR:-$HOME}/.zshrc ]]; then
    . "${ZDOTDIR:-$HOME}/.zshrc"
fi

typeset -g __limi_b=$'%{\e]133;B;k='$__limi_nonce$'\a%}'
typeset -gi __limi_sp=0

__limi_preexec() {
    emulate -L zsh
    unsetopt multibyte
    print -rn -- $'\e]133;C;k='$__limi_nonce';cmd='${(qqqq)${1:-$3}}$'\a'
}

__limi_precmd() {
    local code=$?
    emulate -L zsh
    unsetopt multibyte
    print -rn -- $'\e]133;D;'$code';k='$__limi_nonce$'\a\e]133;P;k='$__limi_nonce';cwd='${(qqqq)PWD}$'\a'
    # zsh itself marks a line without an end before precmd runs, inside the command's output.
    if (( __limi_sp )); then
        print -rn -- $'\e[7m%\e[27m'${(l:COLUMNS-1:: :)}$'\r \r'
    fi
    print -rn -- $'\e]133;A;k='$__limi_nonce$'\a'
}

# Last of all: whatever the prompt has become ends in B.
__limi_wrap() {
    [[ $PS1 == *"$__limi_b"* ]] || PS1=$PS1$__limi_b
    typeset -g +x PS1 PROMPT
    if [[ -o prompt_sp ]]; then
        unsetopt prompt_sp
        __limi_sp=1
    fi
    if [[ $precmd_functions[1] != __limi_precmd || $precmd_functions[-1] != __limi_wrap ||
        -n ${functions[precmd]-} || $preexec_functions[-1] != __limi_preexec ]]; then
        __limi_install
    fi
}

__limi_install() {
    if [[ -n ${functions[precmd]-} ]]; then
        functions[__limi_user_precmd]=$functions[precmd]
        unfunction precmd
    fi
    local -a between
    between=(${precmd_functions:#__limi_*})
    [[ -n ${functions[__limi_user_precmd]-} ]] && between=(__limi_user_precmd $between)
    precmd_functions=(__limi_precmd $between __limi_wrap)
    preexec_functions=(${preexec_functions:#__limi_preexec} __limi_preexec)
}

# The workstation sends this key when a prompt came without its D mark (precmd_functions was wiped).
__limi_heal() { __limi_install; __limi_wrap }
zle -N __limi_heal
for __limi_map in emacs viins vicmd; do
    bindkey -M $__limi_map '\e[133;7~' __limi_heal
done
unset __limi_map

export HISTFILE=$__limi_history
(( ${SAVEHIST:-0} )) || SAVEHIST=10000
(( ${HISTSIZE:-0} > 100 )) || HISTSIZE=10000
# A line reaches the shell as it was written: comments allowed, no `!` substitution, no spelling questions.
setopt interactive_comments no_bang_hist no_correct no_correct_all
__limi_install
__limi_wrap
print -rn -- $'\e]133;P;k='$__limi_nonce';version='$ZSH_VERSION$'\a'
