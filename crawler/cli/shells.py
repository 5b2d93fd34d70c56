"""How bash, zsh and fish ask for completions: click's protocol, with scripts of our own.

The scripts differ from click's in three things: nothing is ever printed to the terminal, no space follows ``NAME=``, and bash,
which takes ``=`` for the end of a word, completes what stands behind it. Imported by who completes, and by nobody else.
"""

from __future__ import annotations

import os

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

_BASH = """\
%(complete_func)s() {
    local IFS=$'\\n' line type value
    COMPREPLY=()
    while read -r line; do
        type=${line%%%%,*} value=${line#*,}
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain)
                COMPREPLY+=("$value")
                [[ $value == *= ]] && compopt -o nospace ;;
        esac
    done < <(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD %(complete_var)s=bash_complete "$1" 2>/dev/null)
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

_ZSH = """\
#compdef %(prog_name)s
%(complete_func)s() {
    local -a response words_ described open
    local type key descr
    (( $+commands[%(prog_name)s] )) || return 1
    response=("${(@f)$(COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) \
%(complete_var)s=zsh_complete %(prog_name)s 2>/dev/null)}")
    for type key descr in ${response}; do
        case $type in
            dir) _path_files -/ ;;
            file) _path_files -f ;;
            plain)
                if [[ $key == *= ]]; then open+=("$key:$descr")
                elif [[ $descr == _ ]]; then words_+=("$key")
                else described+=("$key:$descr"); fi ;;
        esac
    done
    (( $#described )) && _describe -V unsorted described -U
    (( $#open )) && _describe -V settings open -U -S ''
    (( $#words_ )) && compadd -U -V unsorted -a words_
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""

_FISH = """\
function %(complete_func)s
    set -l response (env %(complete_var)s=fish_complete COMP_WORDS=(commandline -cp | string collect) \
COMP_CWORD=(commandline -t | string collect) %(prog_name)s 2>/dev/null)
    for completion in $response
        set -l parts (string split -m 1 "," -- $completion)
        switch $parts[1]
            case dir
                __fish_complete_directories $parts[2]
            case file
                __fish_complete_path $parts[2]
            case plain
                echo $parts[2]
        end
    end
end
complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


@add_completion_class
class Bash(BashComplete):
    """bash: the words between which ``=`` stands are one."""

    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the complete words after the command, and the one that is being typed."""
        last = int(os.environ["COMP_CWORD"])
        words: list[str] = []
        given = os.environ["COMP_WORDS"].split("\n")
        for word in [*given, ""][1 : last + 1]:
            plain = " ".join(split_arg_string(word))
            if words and (plain == "=" or words[-1].endswith("=")) and not words[-1].startswith("--"):
                words[-1] += plain
            else:
                words.append(plain)
        return words[:-1], words[-1] if words else ""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """Return what fits; behind ``=`` the part that bash replaces."""
        items = super().get_completions(args, incomplete)
        begun = incomplete.rpartition("=")[1]
        return [CompletionItem(item.value.partition("=")[2], item.type) for item in items] if begun else items


@add_completion_class
class Zsh(ZshComplete):
    """zsh."""

    source_template = _ZSH


@add_completion_class
class Fish(FishComplete):
    """fish."""

    source_template = _FISH


#: By the name of the shell.
SHELLS: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}
