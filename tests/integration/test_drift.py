# SPDX-License-Identifier: Apache-2.0
"""Help, man pages, completion and the example of kura.conf say the same."""
import re
import runpy
import shutil
import subprocess

import pytest

from conftest import TOP, run

MAN = TOP / "man"
EXAMPLE = MAN / "kura.conf.example"
PROGRAMS = ("backupd", "catalog", "restore")
# Options of builds for tests alone.
HOOKS = {"test-later", "lock-path", "range-bytes", "chunk-bytes", "late-snapshot", "between"}
# The option with which a script is asked for needs no completion itself.
UNCOMPLETED = {"completion"}


@pytest.fixture(params=PROGRAMS)
def program(request):
    return request.param


def ok(*args):
    done = run(*args)
    assert done.status == 0, done
    return done.out


def verbs_of(program):
    return re.findall(rf"^  {program} (\S+)", ok(program, "--help"), re.M)


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
                         for verb in verbs_of(program))) - HOOKS


def flags(lines):
    """Options that lines of mdoc name: .Fl -name, .Fl -name | -name."""
    return {name for line in lines if re.search(r"(^\.|\s)Fl\s", line)
            for name in re.findall(r"\s-([a-z][a-z0-9-]*)", line)}


def page(name):
    return (MAN / name).read_text(encoding="utf-8").splitlines()


def test_verbs(program):
    verbs = verbs_of(program)
    assert len(verbs) >= 4 and len(set(verbs)) == len(verbs)
    described = {m for line in page(f"{program}.8") if line.startswith(".It Cm")
                 for m in re.findall(r"Cm ([a-z]+)", line)}
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
    for verb in verbs_of(program):
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
    for verb in verbs_of(program):
        assert re.search(rf"[\s\"]{verb}\s", script), verb


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_is_a_script(program, shell):
    assert shutil.which(shell), f"no {shell} here: ./dev setup installs it"
    done = subprocess.run([shell, "-n"], input=ok(program, f"--completion={shell}"),
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


# --- kura.conf ---

def example_settings():
    """{section: {name: value}} of the example, its # taken away."""
    sections, now = {}, None
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        head = re.fullmatch(r"\[(\S+)(?: \S+)?\]", line)
        key = re.fullmatch(r"#?([a-z][a-z0-9-]*) = (\S.*)", line)
        if head:
            now = sections.setdefault(head[1], {})
        elif key:
            assert key[1] not in now, f"{key[1]} twice"
            now[key[1]] = key[2]
        else:
            assert line == "" or line.startswith("# ") or line == "#", line
    return sections


def keys_of_the_file():
    """{section: names} as backupd tells them."""
    sections = {}
    for line in ok("backupd", "--keys").splitlines():
        section, name, *_ = line.split("\t")
        sections.setdefault(section, set()).add(name)
    return sections


def test_man_page_has_the_table_of_the_keys():
    """Once it differs: backupd --keys | man/keys"""
    script = runpy.run_path(str(MAN / "keys"))
    page = (MAN / "kura.conf.5").read_text(encoding="utf-8")
    assert page.split(script["BEGIN"])[1].split(script["END"])[0] == script["table"](ok("backupd", "--keys"))


def uncommented(tmp_path):
    """The example, its # taken away from each key, and what it includes."""
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/more.conf").write_text("[source more]\nhost = db\n")
    return re.sub(r"^#(?=[a-z])", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.M)


def effective(tmp_path, text, *args, program="backupd"):
    path = tmp_path / "kura.conf"
    path.write_text(text, encoding="utf-8")
    return run(program, *args, f"--config={path}")


def test_example_has_each_key():
    keys, example = keys_of_the_file(), example_settings()
    assert set(example) == {*keys, "defaults", "template"}
    for section in ("daemon", "notify", "store"):
        assert set(example[section]) == keys[section], section
    assert set(example["defaults"]).isdisjoint(example["source"])
    assert set(example["defaults"]) | set(example["source"]) == keys["source"]


def test_each_key_stands_where_it_may_and_nowhere_else(tmp_path):
    """Each name that backupd knows is tried in each section."""
    names = re.findall(r"^(?:# )?([a-z][a-z0-9-]*) (?:=|is not set)",
                       ok("backupd", "config"), re.M)
    names = set(names) | set().union(*keys_of_the_file().values())
    assert len(names) > 100
    known = example_settings()
    values = {k: v for keys in known.values() for k, v in keys.items()}
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/none.conf").write_text("")
    accepted = {"daemon": set(), "notify": set(), "store": set(), "source": set()}
    for section in accepted:
        head = "daemon" if section == "daemon" else f"{section} x"
        for name in names:
            value = known[section].get(name, values.get(name, 1))
            done = effective(tmp_path, f"[template nightly]\n[{head}]\n{name} = {value}\n", "config")
            if done.status == 0:
                accepted[section].add(name)
            else:
                assert f"unknown key '{name}'" in done.err, done
    assert accepted == keys_of_the_file()


def test_example_is_accepted_as_it_stands():
    ok("backupd", "config", f"--config={EXAMPLE}")
    ok("backupd", "config", "orders", f"--config={EXAMPLE}")


def test_example_is_accepted_by_the_check():
    done = run("backupd", "check", "--offline", f"--config={EXAMPLE}")
    assert done.status == 0, done


def test_example_is_accepted_uncommented(tmp_path):
    done = effective(tmp_path, uncommented(tmp_path), "config", "orders")
    assert done.status == 0, done
    sections = example_settings()
    for name, value in {**sections["defaults"], **sections["source"]}.items():
        assert re.search(rf"^{name} = {re.escape(value)}  # \S+kura\.conf:\d+$",
                         done.out, re.M), f"{name}\n{done}"
    every = run("backupd", "config", f"--config={tmp_path}/kura.conf")
    for head in ("daemon", "notify ops", "store main", "defaults", "source orders", "source more"):
        assert f"\n[{head}]\n" in every.out, every


@pytest.mark.parametrize("other, args", [
    ("catalog", ("list",)), ("restore", ("extract", "orders", "--into=out"))])
def test_example_uncommented_is_read_by_the_others(tmp_path, other, args):
    """No program stumbles over keys that only another one uses."""
    text = uncommented(tmp_path).replace("s3://backups/mysql", f"file://{tmp_path}/none")
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
