#!/usr/bin/env python3
"""Writes the manual page of voxelsmith, in the man macros of troff.

    voxelsmith --experimental-dump-help | manual.py VERSION > voxelsmith.1

The verbs and options are those that the program itself lists. swift-argument-parser has a plugin that does the same, which would compile the
whole tool once more; this needs the program alone. The page has no date, so that equal programs have equal pages.
"""
import json, sys

FILES = [
    ("~/.cache/voxelsmith", "compiled kernels; under XDG_CACHE_HOME where that is set. \"voxelsmith cache\" shows and empties it."),
]
ENVIRONMENT = [
    ("XDG_CACHE_HOME", "the folder that the cache is in."),
    ("VOXELSMITH_TRUSTED_FOLDERS", "absolute paths, separated by colons, of folders whose owners and groups may write plugins."),
]
LIBRARIES = """Opened when they are needed, and named in a sentence when they are missing: libhdf5 for files of Keras in HDF5, libzip for .keras and .npz,
libpng for pictures, libLLVM to look at compiled kernels. Compiling needs clang and lld."""


def escaped(text):
    """A text as troff prints it: its marks are no commands, its hyphens can be copied."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in text.split("\n"))


def bold(text):
    return "\\fB" + escaped(text) + "\\fP"


def italic(text):
    return "\\fI" + escaped(text) + "\\fP"


def paragraphs(text):
    return "\n.PP\n".join(escaped(part) for part in text.strip().split("\n\n"))


def spelling(argument):
    """How an argument is written: its names with dashes, and its value."""
    value = italic(argument.get("valueName", ""))
    if argument["kind"] == "positional":
        return value
    dashes = {"long": "--", "short": "-", "longWithSingleDash": "-"}
    names = sorted(argument["names"], key=lambda name: name["kind"] != "short")
    text = ", ".join(bold(dashes[name["kind"]] + name["name"]) for name in names)
    return text if argument["kind"] == "flag" else f"{text} {value}"


def about(argument):
    """What an argument means, with the values it takes and the one it has otherwise. Where the words say what that is, the value may be this
    machine's own, as the number of its cores."""
    words = argument.get("abstract", "")
    notes = []
    if argument.get("allValues"):
        notes.append("values: " + ", ".join(argument["allValues"]))
    if argument.get("defaultValue") and "Default:" not in words:
        notes.append("default: " + argument["defaultValue"])
    return escaped(" ".join([words] + (["(" + "; ".join(notes) + ")"] if notes else [])).strip())


def shown(arguments):
    return [argument for argument in arguments or [] if argument.get("shouldDisplay", True)]


def listed(arguments):
    return [f".TP\n{spelling(argument)}\n{about(argument)}" for argument in arguments]


def synopsis(program, verb):
    """The form of a call: what it cannot do without, first what has no name, as in the examples of the documentation."""
    needed = [argument for argument in shown(verb.get("arguments")) if not argument.get("isOptional")]
    needed.sort(key=lambda argument: argument["kind"] != "positional")
    return " ".join([bold(f"{program} {verb['commandName']}")] + [spelling(argument).split(", ")[-1] for argument in needed] + ["[options]"])


def page(dump, version):
    command = dump["command"]
    name = command["commandName"]
    verbs = [verb for verb in command["subcommands"] if verb.get("shouldDisplay", True) and verb["commandName"] != "help"]
    common = shown(command.get("arguments"))
    # Options that every verb has stand once.
    for argument in shown(verbs[0].get("arguments")):
        if all(argument in shown(verb.get("arguments")) for verb in verbs) and argument not in common:
            common.append(argument)

    sentence = command["abstract"].rstrip(".")
    lines = [f'.TH {name.upper()} 1 "" "{escaped(name + " " + version)}" "User Commands"']
    lines += [".SH NAME", f"{escaped(name)} \\- {escaped(sentence[0].lower() + sentence[1:])}"]
    lines += [".SH SYNOPSIS", f"{bold(name)} {italic('verb')} ..."]
    lines += [".SH DESCRIPTION", paragraphs(command.get("discussion", ""))]
    lines += [".SH OPTIONS OF EVERY VERB"] + listed(common)
    lines += [".SH VERBS"]
    for verb in verbs:
        lines += [f".SS {escaped(verb['commandName'])}", synopsis(name, verb), ".PP", paragraphs(verb.get("abstract", ""))]
        if verb.get("discussion"):
            lines += [".PP", paragraphs(verb["discussion"])]
        lines += listed(argument for argument in shown(verb.get("arguments")) if argument not in common)
    lines += [".SH FILES"] + [f".TP\n{italic(path)}\n{escaped(text)}" for path, text in FILES]
    lines += [".SH ENVIRONMENT"] + [f".TP\n{bold(variable)}\n{escaped(text)}" for variable, text in ENVIRONMENT]
    lines += [".SH LIBRARIES", escaped(LIBRARIES)]
    return "\n".join(lines) + "\n"


if len(sys.argv) != 2:
    sys.exit(f"manual.py: received {len(sys.argv) - 1} arguments; expected one, the version.")
sys.stdout.reconfigure(encoding="utf-8")
print(page(json.load(sys.stdin), sys.argv[1]), end="")
