# limi's hooks for fish >= 3.1. A generated header sets __limi_nonce (global, not exported).
# Marks: OSC 133 A B C D P, each with k=<nonce>. D comes from fish_postexec, A from fish_prompt, B from the prompt, C from fish_preexec.
set -g __limi_b (printf '\e]133;B;k=%s\a' $__limi_nonce)
set -g fish_history ''

function __limi_preexec --on-event fish_preexec
    printf '\e]133;C;k=%s;url=%s\a' $__limi_nonce (string escape --style=url -- $argv[1])
end

function __limi_postexec --on-event fish_postexec
    set -l code $status
    printf '\e]133;D;%s;k=%s\a' $code $__limi_nonce
end

# Before every prompt: whatever the prompt function has become ends in B.
function __limi_wrap --on-event fish_prompt
    printf '\e]133;P;k=%s;urlcwd=%s\a\e]133;A;k=%s\a' $__limi_nonce (string escape --style=url -- $PWD) $__limi_nonce
    if not functions fish_prompt | string match -q '*__limi_b*'
        functions -e __limi_user_prompt
        functions -c fish_prompt __limi_user_prompt
        function fish_prompt
            __limi_user_prompt
            printf '%s' $__limi_b
        end
    end
end

printf '\e]133;P;k=%s;version=%s\a' $__limi_nonce $version
