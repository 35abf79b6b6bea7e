# limi's stand-in for .zshenv: the user's own runs with the user's ZDOTDIR. A generated header sets __limi_*.
if [[ -n $__limi_zdotdir ]]; then ZDOTDIR=$__limi_zdotdir; else unset ZDOTDIR; fi
if [[ -r ${ZDOTDIR:-$HOME}/.zshenv ]]; then
    . "${ZDOTDIR:-$HOME}/.zshenv"
fi
__limi_zdotdir=${ZDOTDIR-}
ZDOTDIR=$__limi_shims
