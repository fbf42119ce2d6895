# SPDX-License-Identifier: Apache-2.0
"""Help, man pages, completion and the example of kura.conf say the same."""
import re
import shutil
import subprocess

import pytest

from conftest import TOP, run

MAN = TOP / "man"
EXAMPLE = MAN / "kura.conf.example"
VERBS = {
    "backupd": ("run", "grants", "config"),
    "catalog": ("list", "show", "verify", "cat", "leftovers"),
    "restore": ("plan", "run", "extract"),
}
# Options of builds for tests alone.
HOOKS = {"lock-path", "range-bytes", "late-snapshot"}
# The option with which a script is asked for needs no completion itself.
UNCOMPLETED = {"completion"}


@pytest.fixture(params=sorted(VERBS))
def program(request):
    return request.param


def ok(*args):
    done = run(*args)
    assert done.status == 0, done
    return done.out


def helped(text):
    """Options that a help text lists."""
    options = set()
    for line in re.findall(r"^  (--.*)$", text, re.M):
        for no, name in re.findall(r"--(\[no-\])?([a-z][a-z0-9-]*)", line):
            options.add(name)
            if no:
                options.add("no-" + name)
    return options


def taken(program):
    """Options that at least one verb takes."""
    return set().union(*(helped(ok(program, verb, "--help"))
                         for verb in VERBS[program])) - HOOKS


def flags(lines):
    """Options that lines of mdoc name: .Fl -name, .Fl -name | -name."""
    return {name for line in lines if re.search(r"(^\.|\s)Fl\s", line)
            for name in re.findall(r"\s-([a-z][a-z0-9-]*)", line)}


def page(name):
    return (MAN / name).read_text(encoding="utf-8").splitlines()


def test_verbs(program):
    verbs = re.findall(rf"^  {program} (\S+)", ok(program, "--help"), re.M)
    assert tuple(verbs) == VERBS[program]
    described = {m for line in page(f"{program}.8") if line.startswith(".It Cm")
                 for m in [line.split()[2]]}
    assert described == set(verbs)


def test_help_is_the_sum_of_the_verbs(program):
    text = ok(program, "--help")
    only_file = set(re.findall(r"^  --([a-z0-9-]+)\S*\n[^\n]*\(kura\.conf only\)",
                               text, re.M))
    assert helped(text) - HOOKS - only_file == taken(program)


def test_man_page_documents_each_option(program):
    items = [line for line in page(f"{program}.8") if line.startswith(".It")]
    assert sorted(taken(program) - flags(items)) == [], "not in the man page"
    assert sorted(flags(items) - taken(program)) == [], "not in --help"


def test_man_page_names_no_unknown_option(program):
    assert sorted(flags(page(f"{program}.8")) - taken(program)) == []


def test_man_page_gives_the_defaults_of_help(program):
    """Where both name a default, it is the same."""
    shown = {}
    for verb in VERBS[program]:
        for name, value in re.findall(
                r"^  --([a-z0-9-]+)=\S*\n(?:        (?!\(default).*\n)+"
                r"        \(default: (\S+)\)$", ok(program, verb, "--help"), re.M):
            shown[name] = value
    assert shown
    text = "\n".join(page(f"{program}.8"))
    for names, body in re.findall(r"^\.It (Fl .*)\n((?:(?!\.It|\.El).*\n)+)",
                                  text, re.M):
        found = re.search(r"\bdefault:?\s+([0-9]\w*)", body.replace("\n", " "))
        names = flags([" " + names])
        if found and len(names) == 1 and names <= set(shown):
            assert found[1] == shown[names.pop()], body


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_offers_each_option(program, shell):
    script = ok(program, f"--completion={shell}")
    words = set(re.findall(r"--([a-z][a-z0-9-]*)", script))
    missing = taken(program) - words - UNCOMPLETED
    # --no-NAME is the same setting as --NAME.
    missing -= {"no-" + name for name in words}
    assert sorted(missing) == []
    for verb in VERBS[program]:
        assert re.search(rf"[\s\"]{verb}\s", script), verb


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_is_a_script(program, shell):
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    done = subprocess.run([shell, "-n"], input=ok(program, f"--completion={shell}"),
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


# --- kura.conf ---

def example_settings():
    """{section: {name: value}} of the example, its # taken away."""
    sections, now = {}, None
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        head = re.fullmatch(r"\[(\S+)(?: \S+)?\]", line)
        key = re.fullmatch(r"#([a-z][a-z0-9-]*) = (\S.*)", line)
        if head:
            now = sections.setdefault(head[1], {})
        elif key:
            assert key[1] not in now, f"{key[1]} twice"
            now[key[1]] = key[2]
        else:
            assert line == "" or line.startswith("# ") or line == "#", line
    return sections


def man_settings():
    """{section: names} of kura.conf(5): the .Va of each section's item."""
    sections, now = {}, None
    for line in page("kura.conf.5"):
        head = re.fullmatch(r"\.It Li \[(\w+)(?: NAME)?\]", line)
        if head:
            now = sections.setdefault(head[1], set())
        elif line == ".El":
            now = None
        elif line.startswith(".Va ") and now is not None:
            now.add(line.split()[1])
    return sections


def effective(tmp_path, text, *args, program="backupd"):
    path = tmp_path / "kura.conf"
    path.write_text(text, encoding="utf-8")
    return run(program, *args, f"--config={path}")


def test_example_has_each_setting_of_the_man_page():
    man, example = man_settings(), example_settings()
    assert set(man) == set(example) == {"store", "defaults", "source"}
    assert set(example["store"]) == man["store"]
    assert set(example["defaults"]).isdisjoint(example["source"])
    assert set(example["defaults"]) | set(example["source"]) == man["source"]


def test_man_page_has_each_setting_that_the_file_may_hold(tmp_path):
    """Each name that backupd knows is tried in each section."""
    names = re.findall(r"^(?:# )?([a-z][a-z0-9-]*) (?:=|is not set)",
                       ok("backupd", "config"), re.M)
    assert len(names) > 40
    values = {k: v for keys in example_settings().values() for k, v in keys.items()}
    accepted = {"store": set(), "source": set()}
    for section in accepted:
        for name in names:
            done = effective(tmp_path, f"[{section} x]\n{name} = "
                             f"{values.get(name, 1)}\n", "config")
            if done.status == 0:
                accepted[section].add(name)
            else:
                assert f"unknown key '{name}'" in done.err, done
    assert accepted == {k: v for k, v in man_settings().items() if k in accepted}


def test_example_is_accepted_as_it_stands():
    ok("backupd", "config", f"--config={EXAMPLE}")
    ok("backupd", "config", "orders", f"--config={EXAMPLE}")


def test_example_is_accepted_uncommented(tmp_path):
    text = re.sub(r"^#(?=[a-z])", "", EXAMPLE.read_text(encoding="utf-8"),
                  flags=re.M)
    done = effective(tmp_path, text, "config", "orders")
    assert done.status == 0, done
    sections = example_settings()
    for name, value in {**sections["defaults"], **sections["source"]}.items():
        assert re.search(rf"^{name} = {re.escape(value)}  # \S+kura\.conf:\d+$",
                         done.out, re.M), f"{name}\n{done}"


@pytest.mark.parametrize("other, args", [
    ("catalog", ("list",)), ("restore", ("extract", "orders", "--into=out"))])
def test_example_uncommented_is_read_by_the_others(tmp_path, other, args):
    """No program stumbles over keys that only another one uses."""
    text = re.sub(r"^#(?=[a-z])", "", EXAMPLE.read_text(encoding="utf-8"),
                  flags=re.M).replace("s3://backups/mysql", f"file://{tmp_path}/none")
    # These two are files that must be there.
    text = re.sub(r"^(defaults-file|password-file) = .*\n", "", text, flags=re.M)
    done = effective(tmp_path, text, *args, program=other)
    assert f"{tmp_path}/none: " in done.err and "kura.conf" not in done.err, done
    assert done.status == 4


def test_example_shows_the_defaults(tmp_path):
    defaults = dict(re.findall(r"^([a-z][a-z0-9-]*) = (\S+)  # default$",
                               ok("backupd", "config"), re.M))
    shown = {k: v for keys in example_settings().values() for k, v in keys.items()}
    common = set(defaults) & set(shown)
    assert len(common) > 15
    assert {k: shown[k] for k in common} == {k: defaults[k] for k in common}
