# limi's hooks for bash >= 4.4. A generated header sets __limi_nonce and __limi_history.
# Marks: OSC 133 A B C D P, each with k=<nonce>. D and A come from PROMPT_COMMAND, B from PS1, C from PS0.
if [[ -r ~/.bashrc ]]; then
    . ~/.bashrc
fi
if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)); then
    __limi_b=$'\e]133;B;k='$__limi_nonce$'\a'

    # Runs in the subshell of PS0: the line about to run, quoted to ASCII.
    __limi_preexec() {
        set +x
        local LC_ALL=C HISTTIMEFORMAT= line=
        if [[ -o history ]]; then
            line=$(builtin history 1)
            line=${line#"${line%%[0-9]*}"}
            line=${line#"${line%%[!0-9]*}"}
            line=${line:2}
        fi
        builtin printf '\e]133;C;k=%s;cmd=%s\a' "$__limi_nonce" "${line@Q}"
    }

    __limi_precmd() {
        local code=$? LC_ALL=C
        builtin printf '\e]133;D;%s;k=%s\a\e]133;P;k=%s;cwd=%s\a\e]133;A;k=%s\a' \
            "$code" "$__limi_nonce" "$__limi_nonce" "${PWD@Q}" "$__limi_nonce"
        return "$code"
    }

    # Puts the hooks (back) around whatever PROMPT_COMMAND holds.
    __limi_install() {
        local part
        local -a kept=()
        for part in "${PROMPT_COMMAND[@]}"; do
            part=${part#$'__limi_precmd\n'}
            part=${part%$'\n__limi_wrap'}
            [[ -z $part || $part == __limi_precmd || $part == __limi_wrap ]] || kept+=("$part")
        done
        if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
            PROMPT_COMMAND=(__limi_precmd "${kept[@]}" __limi_wrap)
        else
            PROMPT_COMMAND=$'__limi_precmd\n'"${kept[0]-:}"$'\n__limi_wrap'
        fi
    }

    __limi_wrap() {
        local code=$?
        [[ ${PS1-} == *'${__limi_b-}'* ]] || PS1=${PS1-}'\[${__limi_b-}\]'
        [[ ${PS0-} == *__limi_preexec* ]] || PS0=${PS0-}'$(__limi_preexec)'
        shopt -s promptvars
        # The line that runs is read from the history, which is private to the session.
        HISTCONTROL=
        unset HISTIGNORE
        if [[ ${PROMPT_COMMAND[0]-} != __limi_precmd* ]] || [[ ${PROMPT_COMMAND[*]-} != *__limi_wrap ]]; then
            __limi_install
        fi
        return "$code"
    }

    # The workstation sends this key when a prompt came without its D mark (PROMPT_COMMAND was wiped).
    for __limi_map in emacs vi-insert vi-command; do
        bind -m "$__limi_map" -x '"\e[133;7~": "__limi_install; __limi_wrap"' 2>/dev/null
    done
    unset __limi_map

    export HISTFILE=$__limi_history
    HISTCONTROL=
    unset HISTIGNORE
    [[ ${HISTSIZE-} == 0 || -z ${HISTSIZE-} ]] && HISTSIZE=10000
    shopt -s cmdhist lithist checkwinsize
    set -o history
    # A line reaches the shell as it was written: no `!` substitution in what the agent types.
    set +o histexpand
    __limi_install
    __limi_wrap
    builtin printf '\e]133;P;k=%s;version=%s\a' "$__limi_nonce" "${BASH_VERSION%%[^0-9.]*}"
fi
