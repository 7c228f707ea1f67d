"""The wrapper script, run as users run it: in a checkout of its own, from nothing.

Most tests use a checkout with a stand-in for the command line interface and a lock file cut down to
one package, so that a first start takes seconds. They need the package registry, or uv's cache of
it.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

STAND_IN = '''\
"""Stands in for the command line interface."""

import os
import sys


def main() -> None:
    if sys.argv[1:2] == ["--exit"]:
        sys.exit(int(sys.argv[2]))
    import narwhals

    print("cwd", os.getcwd())
    print("words", sys.argv[1:])
    print("python", sys.executable)
    print("package", narwhals.__file__)
    print("code", __file__)


if __name__ == "__main__":
    main()
'''

# What would send an installation, or the interpreter, somewhere else if the wrapper let it.
HOSTILE: Mapping[str, str | None] = {
    "PYTHONPATH": "/nonexistent",
    "PYTHONHOME": "/nonexistent",
    "VIRTUAL_ENV": "/nonexistent",
    "PIP_TARGET": "/nonexistent",
    "PIP_REQUIRE_VIRTUALENV": "1",
    "UV_PYTHON": "2.7",
    "UV_PROJECT_ENVIRONMENT": "/nonexistent",
    "UV_EXCLUDE_NEWER": "2001-01-01",
}


NOTHING: Mapping[str, str | None] = {}

# Environments, each named after its lock file.
KINDS = ("laptop", "spark", "dev", "dev-glue-5.1")


class Checkout:
    """A checkout in a folder of its own and the ways to start its wrapper."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / ".lakehouse"
        # As a user's shell has it: nothing of the environment that these tests run in.
        ours = ("LAKEHOUSE_", "PYTEST_", "PYTHON", "VIRTUAL_ENV")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        self.env["LAKEHOUSE_PYTHON"] = getattr(sys, "_base_executable", sys.executable)

    def start(
        self,
        *words: str,
        cwd: Path | None = None,
        via: Path | None = None,
        env: Mapping[str, str | None] = NOTHING,
        **changes: str | None,
    ) -> subprocess.CompletedProcess[str]:
        """Start the wrapper and return what it said and how it ended."""
        with self.open(*words, cwd=cwd, via=via, env=env, **changes) as process:
            out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def open(
        self,
        *words: str,
        cwd: Path | None = None,
        via: Path | None = None,
        env: Mapping[str, str | None] = NOTHING,
        **changes: str | None,
    ) -> "subprocess.Popen[str]":
        """Start the wrapper without waiting for it; a change to None takes a variable away."""
        settings = {k: v for k, v in {**self.env, **env, **changes}.items() if v is not None}
        return subprocess.Popen(
            [via or self.root / "lakehouse", *words],
            cwd=cwd or self.root,
            env=settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def environments(self, home: Path | None = None, kind: str = "laptop") -> list[Path]:
        """Return the folders of the environments, by default of those for ordinary use."""
        return sorted((home or self.home).glob(f"{kind}-1-*"))

    def leftovers(self, home: Path | None = None) -> list[str]:
        """Return what is neither an environment nor a uv."""
        return sorted(
            path.name
            for path in (home or self.home).iterdir()
            if not path.name.startswith((*(f"{kind}-1-" for kind in KINDS), "uv-"))
        )

    def sources(self) -> set[str]:
        """Return every file of the checkout that the wrapper did not set up."""
        return {
            str(path.relative_to(self.root))
            for path in self.root.rglob("*")
            if path.is_file() and not path.is_relative_to(self.home)
        }


def one_package(lock: Path) -> str:
    """Return a lock file cut down to one small package, with its hashes."""
    found = re.search(r"^narwhals==(?:.*\\\n)+.*\n", lock.read_text(), re.MULTILINE)
    assert found
    return found.group()


def make_checkout(root: Path) -> Checkout:
    (root / "requirements").mkdir(parents=True)
    (root / "simulator" / "cli").mkdir(parents=True)
    (root / "tests").mkdir()
    shutil.copy2(ROOT / "lakehouse", root)
    for name in ("uv.txt", "build.txt"):
        shutil.copy2(ROOT / "requirements" / name, root / "requirements")
    for kind in KINDS:
        lock = one_package(ROOT / "requirements" / f"{kind}.txt")
        (root / "requirements" / f"{kind}.txt").write_text(lock)
    (root / "simulator" / "__init__.py").touch()
    (root / "simulator" / "cli" / "__init__.py").touch()
    (root / "simulator" / "cli" / "main.py").write_text(STAND_IN)
    (root / "tests" / "run.py").write_text(STAND_IN)
    return Checkout(root)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a checkout that is set up. Its path has a space and a quote in it."""
    checkout = make_checkout(tmp_path_factory.mktemp("wrapper") / "some one's checkout")
    done = checkout.start("first", env=HOSTILE)
    assert done.returncode == 0, done.stderr
    return checkout


@pytest.fixture
def fresh(tmp_path: Path, ready: Checkout) -> Checkout:
    """Return a checkout that is not set up but for uv itself, which takes longest to fetch."""
    checkout = make_checkout(tmp_path / "checkout")
    checkout.home.mkdir()
    for uv in ready.home.glob("uv-*"):
        shutil.copytree(uv, checkout.home / uv.name)
    return checkout


@contextmanager
def sealed(folder: Path) -> Iterator[None]:
    """Make a folder and those in it unchangeable for a while, for root too.

    Files of packages are left alone: uv links them to its cache, and the seal would reach there.
    """
    paths = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    paths += folder.rglob("complete")
    paths = [path for path in paths if not path.is_symlink()]
    seal, unseal = ("chattr +i", "chattr -i") if os.geteuid() == 0 else ("chmod a-w", "chmod u+w")
    if not shutil.which(seal.split()[0]):
        pytest.skip("root may write everywhere here, and there is no chattr to seal a folder with")
    try:
        if subprocess.run([*seal.split(), *paths], check=False, capture_output=True).returncode:
            pytest.skip("root may write everywhere here, so a sealed folder cannot be made")
        yield
    finally:
        subprocess.run([*unseal.split(), *paths], check=False, capture_output=True)


def one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    """Return the single line of a refusal, having checked that it is one."""
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("lakehouse: ")
    assert lines[0].endswith(".")
    return lines[0]


# --- First start and after -----------------------------------------------------------------------


def test_first_start_says_what_it_does_and_then_runs(fresh: Checkout) -> None:
    shutil.rmtree(fresh.home)

    done = fresh.start("hello")

    assert done.returncode == 0, done.stderr
    assert "words ['hello']" in done.stdout
    said = done.stderr.splitlines()
    assert all(line.startswith("lakehouse: ") for line in said)
    assert [line.split()[1] for line in said] == [
        "setting",
        "using",
        "fetching",
        "installing",
        "ready.",
    ]
    assert fresh.leftovers() == []


def test_second_start_is_silent_and_sets_up_nothing(ready: Checkout) -> None:
    before = ready.environments()

    done = ready.start("again")

    assert done.stderr == ""
    assert "words ['again']" in done.stdout
    assert ready.environments() == before


def test_second_start_runs_one_program_besides_python(ready: Checkout, tmp_path: Path) -> None:
    # Nothing else is on PATH, so nothing else can have been started.
    cksum = shutil.which("cksum")
    assert cksum
    (tmp_path / "cksum").symlink_to(cksum)

    done = ready.start("lean", PATH=str(tmp_path))

    assert done.stderr == ""
    assert "words ['lean']" in done.stdout


def test_nothing_is_left_among_the_sources(ready: Checkout) -> None:
    before = ready.sources()

    ready.start("once more")

    assert ready.sources() == before
    assert not [path for path in before if "__pycache__" in path]


def test_the_checkouts_own_code_and_packages_are_used(ready: Checkout, tmp_path: Path) -> None:
    # Neither the folder the user is in nor his settings come in between.
    (tmp_path / "simulator.py").write_text("raise SystemExit('the wrong simulator')")
    (tmp_path / "narwhals.py").write_text("raise SystemExit('the wrong narwhals')")

    done = ready.start(cwd=tmp_path, env=HOSTILE)

    assert done.returncode == 0, done.stderr
    assert f"code {ready.root / 'simulator'}" in done.stdout
    assert f"package {ready.environments()[0]}" in done.stdout


def test_settings_of_the_users_own_project_are_not_picked_up(
    fresh: Checkout, tmp_path: Path
) -> None:
    (tmp_path / "uv.toml").write_text('exclude-newer = "2001-01-01"\n')

    done = fresh.start(cwd=tmp_path)

    assert done.returncode == 0, done.stderr


# --- How it is called ----------------------------------------------------------------------------


def test_words_reach_the_command_as_they_were_given(ready: Checkout) -> None:
    words = ["run", "two words", "", "*", "--", "$HOME", "a'b", 'c"d']

    done = ready.start(*words)

    assert f"words {words!r}" in done.stdout


@pytest.mark.parametrize("code", [0, 1, 2, 3, 75])
def test_exit_code_is_passed_on(ready: Checkout, code: int) -> None:
    assert ready.start("--exit", str(code)).returncode == code


def test_the_users_folder_is_kept(ready: Checkout, tmp_path: Path) -> None:
    assert f"cwd {tmp_path}" in ready.start(cwd=tmp_path).stdout


def test_called_through_links(ready: Checkout, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "direct").symlink_to(ready.root / "lakehouse")
    (tmp_path / "bin" / "lh").symlink_to("../direct")  # A relative link to a link.

    done = ready.start("linked", cwd=tmp_path, via=tmp_path / "bin" / "lh")

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "words ['linked']" in done.stdout


def test_called_by_name_from_path(ready: Checkout, tmp_path: Path) -> None:
    path = f"{ready.root}:{ready.env['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-c", "CDPATH=/ lakehouse found"],
        cwd=tmp_path,
        env={**ready.env, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "words ['found']" in done.stdout


def test_called_as_an_argument_of_the_shell(ready: Checkout) -> None:
    words = ["sh", "lakehouse", "plain"]
    done = subprocess.run(
        words, cwd=ready.root, env=ready.env, capture_output=True, text=True, check=True
    )

    assert "words ['plain']" in done.stdout


# --- Where the environment lives -----------------------------------------------------------------


def test_home_can_be_chosen(fresh: Checkout, tmp_path: Path) -> None:
    fresh.home.rename(tmp_path / "else where")

    done = fresh.start(LAKEHOUSE_HOME="else where", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert not fresh.home.exists()
    assert len(fresh.environments(tmp_path / "else where")) == 1


def test_a_sealed_checkout_uses_the_cache_folder(fresh: Checkout, tmp_path: Path) -> None:
    shutil.rmtree(fresh.home)

    with sealed(fresh.root):
        first = fresh.start(XDG_CACHE_HOME=str(tmp_path / "cache"))
        second = fresh.start("sealed", XDG_CACHE_HOME=str(tmp_path / "cache"))

    assert first.returncode == 0, first.stderr
    assert second.stderr == ""
    assert "words ['sealed']" in second.stdout
    (home,) = (tmp_path / "cache" / "ecommerce-lakehouse").iterdir()
    assert len(fresh.environments(home)) == 1


def test_an_environment_that_somebody_else_set_up_is_used(fresh: Checkout, tmp_path: Path) -> None:
    fresh.start()

    with sealed(fresh.root):
        done = fresh.start("theirs", XDG_CACHE_HOME=str(tmp_path / "cache"))

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert f"package {fresh.environments()[0]}" in done.stdout
    bytecode = tmp_path / "cache" / "ecommerce-lakehouse" / "bytecode"
    assert next(bytecode.rglob("narwhals/*.pyc"), None)


def test_a_moved_checkout_goes_on_working(fresh: Checkout) -> None:
    fresh.start()
    moved = Checkout(fresh.root.rename(fresh.root.parent / "moved"))

    done = moved.start("moved")

    assert done.stderr == ""
    assert f"code {moved.root}" in done.stdout


def test_a_changed_lock_file_builds_another_environment(fresh: Checkout) -> None:
    fresh.start()
    lock = fresh.root / "requirements" / "laptop.txt"
    old = lock.read_text()
    lock.write_text(old + "# changed\n")

    changed = fresh.start()
    lock.write_text(old)
    back = fresh.start()

    assert "ready" in changed.stderr
    assert back.stderr == ""  # The first one was kept.
    assert len(fresh.environments()) == 2


def test_environments_out_of_use_are_removed(fresh: Checkout) -> None:
    fresh.start()
    (unused,) = fresh.environments()
    long_ago = time.time() - 30 * 24 * 3600
    os.utime(unused / "complete", (long_ago, long_ago))
    with (fresh.root / "requirements" / "laptop.txt").open("a") as lock:
        lock.write("# changed\n")

    fresh.start()

    assert not unused.exists()
    assert len(fresh.environments()) == 1


# --- Spark and its Java --------------------------------------------------------------------------


class Tools:
    """A folder to be all of PATH: what the wrapper calls, and what the machine is said to have."""

    def __init__(self, folder: Path, *, root: bool) -> None:
        self.folder = folder
        self.asked = folder / "asked of apt-get"
        folder.mkdir()
        for name in ("cksum", "cut", "grep", "mkdir", "rm", "sed", "tail"):
            found = shutil.which(name)
            assert found
            (folder / name).symlink_to(found)
        self.add("id", f"echo {0 if root else 1000}")

    def add(self, name: str, script: str) -> None:
        """Add a program."""
        (self.folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.folder / name).chmod(0o755)

    def add_apt(self, *, has: str, updated: bool = True) -> None:
        """Add an apt-get that knows one package, at once or after an update."""
        lists = self.folder / "lists"
        if updated:
            lists.touch()
        self.add(
            "apt-get",
            f"""echo "$*" >>"{self.asked}"
            case $* in
                update) : >"{lists}" ;;
                *--simulate*{has}) [ -e "{lists}" ] ;;
                *--simulate*) exit 100 ;;
                *install*{has}) : >"{self.folder}/java" ;;
                *) exit 100 ;;
            esac""",
        )

    def installed(self) -> list[str]:
        """Return the packages that apt-get was asked to install."""
        words = self.asked.read_text().splitlines() if self.asked.exists() else []
        return [line.split()[-1] for line in words if "install" in line and "simul" not in line]


@pytest.fixture(scope="module")
def with_spark(ready: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a checkout that has each environment that this Python can have."""
    tools = Tools(tmp_path_factory.mktemp("java") / "tools", root=False)
    tools.add("java", "exit 0")
    path = f"{tools.folder}:{ready.env['PATH']}"
    for words in (["simulate", "--engine", "spark"], ["test"]):
        done = ready.start(*words, PATH=path)
        assert done.returncode == 0, done.stderr
    return ready


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["simulate", "--engine", "spark"], "spark"),
        (["simulate", "--engine=spark", "lake"], "spark"),
        (["bench", "--engine", "both"], "spark"),
        (["simulate", "--engine", "polars"], "laptop"),
        (["simulate", "spark"], "laptop"),
        (["simulate", "--", "--engine", "spark"], "laptop"),
        (["test", "--glue", "6.0"], "dev"),
        (["equivalence", "-k", "word"], "dev"),
        (["lint"], "dev"),
        (["docs", "--check"], "dev"),
    ],
)
def test_the_words_choose_the_environment(
    with_spark: Checkout, tmp_path: Path, words: list[str], kind: str
) -> None:
    tools = Tools(tmp_path / "tools", root=False)
    tools.add("java", "exit 0")

    done = with_spark.start(*words, PATH=str(tools.folder))

    assert done.stderr == ""
    assert f"package {with_spark.home / kind}-1-" in done.stdout
    assert f"words {words!r}" in done.stdout


@pytest.mark.parametrize("words", [["test", "--glue", "5.1"], ["equivalence", "--glue=5.1"]])
def test_glue_5_1_has_an_environment_and_a_python_of_its_own(
    fresh: Checkout, words: list[str]
) -> None:
    done = fresh.start(*words, JAVA_HOME="/said/to/be/there")

    if sys.version_info[:2] == (3, 11):
        assert f"package {fresh.home / 'dev-glue-5.1'}-1-" in done.stdout
    else:
        assert one_sentence(done).endswith(": 3.11 (Glue 5.1 runs no other) is needed.")


def test_settings_of_another_spark_are_put_aside(with_spark: Checkout) -> None:
    run = with_spark.root / "tests" / "run.py"
    run.write_text("import os\nprint(sorted(name for name in os.environ if 'SPARK' in name))\n")
    others = {"SPARK_HOME": "/nonexistent", "PYSPARK_SUBMIT_ARGS": "nonsense"}

    done = with_spark.start("lint", env=others)

    run.write_text(STAND_IN)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("has", "updated"),
    [
        ("openjdk-17-jre-headless", True),
        ("openjdk-17-jre-headless", False),
        ("openjdk-21-jre-headless", True),
    ],
)
@pytest.mark.parametrize(
    "words",
    [["simulate", "--engine", "spark"], ["test"], ["test", "-x", "unit", "equivalence"]],
)
def test_java_is_installed_where_that_is_allowed(
    with_spark: Checkout, tmp_path: Path, words: list[str], has: str, *, updated: bool
) -> None:
    tools = Tools(tmp_path / "tools", root=True)
    tools.add_apt(has=has, updated=updated)

    done = with_spark.start(*words, PATH=str(tools.folder))

    assert done.stderr == (
        f"lakehouse: Spark needs Java, and there is none here: installing {has} with apt-get.\n"
    )
    assert f"words {words!r}" in done.stdout
    assert tools.installed() == [has]
    assert with_spark.leftovers() == []


@pytest.mark.parametrize(
    "words",
    [
        *(["test", "unit"], ["test", "--no-spark"], ["test", "--help"], ["lint"], ["show"]),
        ["test", "e2e", "--", "equivalence"],
    ],
)
def test_java_is_not_installed_for_what_starts_no_spark(
    with_spark: Checkout, tmp_path: Path, words: list[str]
) -> None:
    tools = Tools(tmp_path / "tools", root=True)
    tools.add_apt(has="openjdk-17-jre-headless")

    done = with_spark.start(*words, PATH=str(tools.folder))

    assert done.stderr == ""
    assert f"words {words!r}" in done.stdout
    assert not tools.asked.exists()


def test_a_system_without_a_java_that_fits(with_spark: Checkout, tmp_path: Path) -> None:
    tools = Tools(tmp_path / "tools", root=True)
    tools.add_apt(has="openjdk-8-jre-headless")

    done = with_spark.start("simulate", "--engine", "spark", PATH=str(tools.folder))

    assert done.returncode == 1
    assert done.stderr == "lakehouse: finding a package of Java 17 or 21 failed.\n"
    assert with_spark.leftovers() == []


def test_who_may_not_install_java_is_told_to(fresh: Checkout, tmp_path: Path) -> None:
    tools = Tools(tmp_path / "tools", root=False)
    tools.add_apt(has="openjdk-17-jre-headless")

    done = fresh.start("simulate", "--engine", "spark", PATH=str(tools.folder))

    # Before anything large is fetched.
    assert "apt-get install openjdk-17-jre-headless" in one_sentence(done)
    assert not tools.asked.exists()


# --- When things go wrong ------------------------------------------------------------------------


def test_first_starts_at_once_do_not_disturb_each_other(fresh: Checkout) -> None:
    shutil.rmtree(fresh.home)

    processes = [fresh.open("at once", str(n)) for n in range(4)]
    said = [process.communicate(timeout=300) for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0, 0], said
    assert all(f"words ['at once', '{n}']" in out for n, (out, _) in enumerate(said))
    assert sum("fetching uv" in err for _, err in said) == 1
    assert sum("ready" in err for _, err in said) == 1
    assert len(fresh.environments()) == 1
    assert fresh.leftovers() == []


@pytest.mark.parametrize("damage", ["bin/python", "complete", "bin"])
def test_a_damaged_environment_is_repaired(fresh: Checkout, damage: str) -> None:
    fresh.start()
    target = fresh.environments()[0] / damage
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink()

    repaired = fresh.start("repaired")

    assert repaired.returncode == 0, repaired.stderr
    assert "words ['repaired']" in repaired.stdout
    assert fresh.start().stderr == ""
    assert fresh.leftovers() == []


def test_a_python_that_is_gone_is_replaced(fresh: Checkout) -> None:
    fresh.start()
    link = fresh.environments()[0] / "bin" / "python"
    link.unlink()
    link.symlink_to("/nonexistent/python3")

    done = fresh.start("replaced")

    assert "words ['replaced']" in done.stdout


def test_a_killed_setup_is_done_again(fresh: Checkout) -> None:
    process = fresh.open()
    assert process.stderr
    while "installing" not in process.stderr.readline():
        pass
    process.kill()
    process.communicate(timeout=60)

    done = fresh.start("after the kill")

    assert done.returncode == 0, done.stderr
    assert "words ['after the kill']" in done.stdout
    assert len(fresh.environments()) == 1
    assert fresh.start().stderr == ""


def test_an_interrupted_setup_cleans_up(fresh: Checkout) -> None:
    process = fresh.open()
    assert process.stderr
    while "installing" not in process.stderr.readline():
        pass
    process.terminate()
    process.communicate(timeout=60)

    assert process.returncode == 143
    assert fresh.leftovers() == []
    assert fresh.environments() == []


@pytest.mark.parametrize("owner", ["", "999999999", "1", "nonsense"])
def test_a_lock_without_a_living_owner_is_taken_over(fresh: Checkout, owner: str) -> None:
    (fresh.home / "lock").mkdir()
    if owner:
        (fresh.home / "lock" / "pid").write_text(f"{owner}\n")

    done = fresh.start("taken over")

    assert "words ['taken over']" in done.stdout
    assert fresh.leftovers() == []


def test_python_that_does_not_exist(fresh: Checkout) -> None:
    assert "not a command" in one_sentence(fresh.start(LAKEHOUSE_PYTHON="python-nowhere"))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 3.10", "which is Python 3.10: 3.11, 3.12 or 3.13 is needed."),
        ("echo 3.14", "which is Python 3.14: 3.11, 3.12 or 3.13 is needed."),
        ("exit 127", "which does not start as a Python."),
    ],
)
def test_python_that_does_not_fit(fresh: Checkout, tmp_path: Path, script: str, said: str) -> None:
    unfit = tmp_path / "unfit python"
    unfit.write_text(f"#!/bin/sh\n{script}\n")
    unfit.chmod(0o755)

    sentence = one_sentence(fresh.start(LAKEHOUSE_PYTHON=str(unfit)))

    assert sentence == f"lakehouse: LAKEHOUSE_PYTHON is {unfit}, {said}"


def test_the_first_python_that_fits_is_chosen(fresh: Checkout, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "python3").write_text("#!/bin/sh\necho 3.10\n")
    (tools / "python3").chmod(0o755)
    fits = tools / f"python3.{sys.version_info.minor}"
    fits.write_text(f'#!/bin/sh\nexec "{fresh.env["LAKEHOUSE_PYTHON"]}" "$@"\n')
    fits.chmod(0o755)

    done = fresh.start("chosen", LAKEHOUSE_PYTHON=None, PATH=f"{tools}:{fresh.env['PATH']}")

    assert "words ['chosen']" in done.stdout
    assert fresh.env["LAKEHOUSE_PYTHON"] in done.stderr


def test_no_python_at_all(fresh: Checkout, tmp_path: Path) -> None:
    # Only what the script itself calls is on PATH.
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "cksum", "mkdir", "rm", "mv", "grep", "find", "id", "sleep", "readlink"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)

    done = fresh.start(LAKEHOUSE_PYTHON=None, PATH=str(tools))

    assert "no Python 3.11, 3.12 or 3.13 found" in done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize("have_uv", [True, False])
def test_no_network(fresh: Checkout, tmp_path: Path, *, have_uv: bool) -> None:
    if not have_uv:
        shutil.rmtree(fresh.home)
    nowhere = "http://127.0.0.1:9/simple"

    done = fresh.start(
        PIP_INDEX_URL=nowhere,
        UV_DEFAULT_INDEX=nowhere,
        UV_CACHE_DIR=str(tmp_path / "empty"),
        PIP_NO_CACHE_DIR="1",
        PIP_RETRIES="0",
        UV_HTTP_RETRIES="0",
    )

    assert done.returncode == 1
    assert "the package registry cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr
    assert fresh.leftovers() == []
    assert fresh.environments() == []


def test_a_package_other_than_the_locked_one_is_refused(fresh: Checkout) -> None:
    lock = fresh.root / "requirements" / "laptop.txt"
    lock.write_text(re.sub(r"sha256:\w{8}", "sha256:00000000", lock.read_text()))

    done = fresh.start()

    assert done.returncode == 1
    assert "its checksum differs" in done.stderr
    assert fresh.environments() == []


def test_a_package_that_would_have_to_be_built_is_refused(fresh: Checkout) -> None:
    # Published as source only, and not the one package that is allowed to be.
    (fresh.root / "requirements" / "laptop.txt").write_text(
        "docopt==0.6.2 --hash="
        "sha256:49b3a825280bd66b3aa83585ef59c4a8c82f2c8a522dbe754a8bc8d08c85c491\n"
    )

    done = fresh.start()

    assert done.returncode == 1
    assert "the package registry has no build of a package" in done.stderr
    assert fresh.environments() == []


def test_an_incomplete_checkout(fresh: Checkout) -> None:
    (fresh.root / "requirements" / "laptop.txt").unlink()

    done = fresh.start()

    assert done.returncode == 1
    assert done.stderr == (
        "lakehouse: requirements/laptop.txt is missing: is this a complete checkout?\n"
    )


# --- The real thing ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a copy of this checkout as a stranger would get it, without any environment."""
    root = tmp_path_factory.mktemp("real") / "checkout"
    ignore = shutil.ignore_patterns(".git", ".lakehouse", "__pycache__")
    shutil.copytree(ROOT, root, ignore=ignore)
    return Checkout(root)


def test_help_of_the_real_command(real: Checkout) -> None:
    before = real.sources()

    first = real.start("--help")
    second = real.start("--help")

    assert first.returncode == 0, first.stderr
    assert "Usage" in second.stdout
    assert second.stderr == ""
    assert real.sources() == before


def test_a_wrong_call_of_the_real_command(real: Checkout) -> None:
    done = real.start("no-such-command")

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


# --- The test runner -----------------------------------------------------------------------------

GOOD_AND_BAD = """
import pytest

@pytest.fixture
def breaks_afterwards():
    yield
    raise ValueError

@pytest.fixture
def breaks_before():
    raise ValueError

def test_passes(): pass

def test_fails_twice(breaks_afterwards): assert False

def test_error_before(breaks_before): pass

def test_error_afterwards(breaks_afterwards): pass

@pytest.mark.skip(reason="a stated reason")
def test_skipped(): pass

@pytest.mark.xfail(reason="known")
def test_known(): assert False

@pytest.mark.xfail(reason="mended")
def test_mended(): pass

def test_warns():
    import warnings
    warnings.warn("a warning")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with the test runner and no tests."""
    shutil.copytree(
        ROOT / "requirements",
        tmp_path / "requirements",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy2(ROOT / "pyproject.toml", tmp_path)
    for stage in ("unit", "equivalence", "infra", "e2e"):
        (tmp_path / "tests" / stage).mkdir(parents=True)
    for name in ("__init__.py", "conftest.py", "run.py"):
        shutil.copy2(ROOT / "tests" / name, tmp_path / "tests")
    return tmp_path


def run_tests(project: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the project's test runner with the environment that these tests run in."""
    paths = {"PYTHONPATH": str(project), "LAKEHOUSE_CACHE": str(project / "cache")}
    return subprocess.run(
        [sys.executable, "-P", project / "tests" / "run.py", *words],
        env={**os.environ, **paths, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return what the output ends with."""
    assert done.stdout.endswith("\n")
    return done.stdout.splitlines()[-1]


def test_a_stage_without_tests_is_passed_over(project: Path) -> None:
    done = run_tests(project, "test", "unit", "e2e")

    assert "no tests in tests/unit yet: passed over" in done.stdout
    assert last_line(done) == "0 passed, 0 failed, 0 skipped"
    assert done.returncode == 0


@pytest.mark.parametrize("stage", ["unit", "infra"])  # With two processes and with one.
def test_every_outcome_is_counted_once(project: Path, stage: str) -> None:
    (project / "tests" / stage / "test_them.py").write_text(GOOD_AND_BAD)

    done = run_tests(project, "test", stage)

    assert last_line(done) == "1 passed, 5 failed, 2 skipped"
    assert "a stated reason" in done.stdout
    assert done.returncode == 1


@pytest.mark.parametrize(
    "content",
    [
        "import a_module_that_does_not_exist",
        "def test_it(): import os; os._exit(0)",
        "raise SystemExit(0)",
        "def broken(:",
    ],
)
def test_a_run_that_breaks_down_counts_as_failed(project: Path, content: str) -> None:
    (project / "tests" / "infra" / "test_them.py").write_text(content)

    done = run_tests(project, "test", "infra")

    assert last_line(done) == "0 passed, 1 failed, 0 skipped"
    assert done.returncode == 1


def test_later_stages_run_unless_told_otherwise(project: Path) -> None:
    (project / "tests" / "infra" / "test_them.py").write_text("def test_it(): assert False")
    (project / "tests" / "e2e" / "test_them.py").write_text("def test_it(): pass")

    assert last_line(run_tests(project, "test", "infra", "e2e")) == "1 passed, 1 failed, 0 skipped"
    assert last_line(run_tests(project, "test", "-x", "infra", "e2e")) == (
        "0 passed, 1 failed, 0 skipped"
    )


def test_words_for_pytest(project: Path) -> None:
    (project / "tests" / "infra" / "test_them.py").write_text(
        "def test_one(): pass\ndef test_two(): assert False\n"
    )

    done = run_tests(project, "test", "infra", "--", "-k", "one")

    assert last_line(done) == "1 passed, 0 failed, 0 skipped"


def test_a_lock_that_no_longer_fits_is_found(project: Path) -> None:
    declared = project / "pyproject.toml"
    declared.write_text(declared.read_text().replace('"polars>=2.1,<3"', '"polars>=2.2,<3"'))

    done = run_tests(project, "test", "lint")

    assert (
        "requirements/laptop.txt does not fit pyproject.toml: run ./lakehouse lock" in done.stdout
    )
    assert "requirements/infra.txt" not in done.stdout
    assert done.returncode == 1


# --- The proof that both engines agree -----------------------------------------------------------

PROPERTIES = """
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.equivalence.recording import Tally

GIVEN = st.integers(0, 9)

@given(n=GIVEN)
def test_sums_agree(tally: Tally, n: int) -> None:
    tally.compared(cases=10, rows=20)

@pytest.mark.parametrize("text", ["a", "b", "c"])
def test_texts_agree(tally: Tally, text: str) -> None:
    tally.compared(cases=1, rows=2)
    tally.compared(cases=100, rows=1000)
    assert text != "c"

def test_that_compares_nothing() -> None: pass

def test_examples(pytestconfig: pytest.Config) -> None:
    print("profile", os.environ["LAKEHOUSE_PROFILE"], end=" ")
    print("seed", pytestconfig.getoption("hypothesis_seed"))
"""

JAVA = """#!/bin/sh
echo 'openjdk version "17.0.99" 2099-01-01' >&2
"""


@pytest.fixture
def proof(project: Path) -> Path:
    """Return a project that has properties, and a Java by name."""
    recording = ROOT / "tests" / "equivalence"
    for name in ("conftest.py", "frames.py", "recording.py"):
        shutil.copy2(recording / name, project / "tests" / "equivalence")
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "pipeline", project / "pipeline", ignore=ignore)
    (project / "tests" / "equivalence" / "test_them.py").write_text(PROPERTIES)
    (project / "java" / "bin").mkdir(parents=True)
    (project / "java" / "bin" / "java").write_text(JAVA)
    (project / "java" / "bin" / "java").chmod(0o755)
    return project


def test_the_proof_ends_with_its_figures(proof: Path) -> None:
    words = ["equivalence", "--", "--equivalence-json", str(proof / "figures.json")]

    done = run_tests(proof, *words, JAVA_HOME=str(proof / "java"))

    assert last_line(done) == "5 passed, 1 failed, 0 skipped"
    assert re.search(r"^texts agree +303 +3,006 +\d+\.\d +1$", done.stdout, re.MULTILINE)
    assert re.search(r"^sums agree +1\d\d +2\d\d +\d+\.\d +-$", done.stdout, re.MULTILINE)
    assert "that compares nothing" not in done.stdout
    assert re.search(
        r"^2 properties, 4\d\d cases, 3,2\d\d rows: 1 divergences$", done.stdout, re.MULTILINE
    )
    assert "Java 17.0.99" in done.stdout
    assert "again: ./lakehouse equivalence -k test_texts_agree\n" in done.stdout
    figures = json.loads((proof / "figures.json").read_text())
    assert [(one["name"], one["divergences"]) for one in figures["properties"]] == [
        ("test_sums_agree", 0),
        ("test_texts_agree", 1),
    ]
    assert figures["properties"][1]["rows"] == 3006


def test_examples_of_the_night_can_be_had_again(proof: Path) -> None:
    words = ["equivalence", "--profile", "nightly", "-k", "texts or examples"]
    java = str(proof / "java")

    done = run_tests(proof, *words, "--", "-rP", JAVA_HOME=java)

    found = re.match(r"the same examples again: \./lakehouse (.*)\n", done.stdout)
    assert found
    seed = re.search(r"--seed=(\d+)", found[1])
    assert seed
    assert f"profile nightly seed {seed[1]}" in done.stdout
    assert (
        f"again: ./lakehouse equivalence --profile nightly --seed {seed[1]} -k test_texts_agree"
    ) in done.stdout
    same = run_tests(proof, *shlex.split(found[1]), JAVA_HOME=java)
    assert same.stdout.startswith(found[0])
    assert f"profile nightly seed {seed[1]}" in same.stdout


def test_without_java_the_proof_is_missed(proof: Path, tmp_path: Path) -> None:
    done = run_tests(proof, "test", "equivalence", PATH=str(tmp_path), JAVA_HOME="")

    assert last_line(done) == "0 passed, 1 failed, 0 skipped"
    assert (
        "Java 17 is needed for the equivalence tests: install it (on Debian and Ubuntu: "
        "apt-get install openjdk-17-jre-headless), or pass --no-spark to leave them out.\n"
    ) in done.stdout


def test_the_proof_is_left_out_on_demand_only(proof: Path) -> None:
    done = run_tests(proof, "test", "--no-spark", "equivalence", "infra")

    assert "left out because of --no-spark" in done.stdout
    assert last_line(done) == "0 passed, 0 failed, 1 skipped"
    assert done.returncode == 0


def test_another_glue_is_for_the_proof(proof: Path) -> None:
    alone = run_tests(proof, "test", "--glue", "5.1", JAVA_HOME=str(proof / "java"))
    with_others = run_tests(proof, "test", "--glue", "5.1", "unit")

    assert "--- equivalence" in alone.stdout
    assert "--- unit" not in alone.stdout
    assert with_others.returncode == 2
    assert "--glue is for the stage equivalence" in with_others.stderr


def test_mutants_get_the_other_words(proof: Path) -> None:
    (proof / "tests" / "equivalence" / "mutants.py").write_text("import sys; print(sys.argv[1:])")

    done = run_tests(proof, "equivalence", "--glue", "5.1", "--mutants", "--list", "-k", "word")

    assert done.stdout == "['-k', 'word', '--list']\n"
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["test", "--help"], 0, "usage: ./lakehouse test"),
        (["test", "nonsense"], 2, "there is no stage 'nonsense'"),
    ],
)
def test_the_wrapper_leads_to_the_test_runner(words: list[str], code: int, said: str) -> None:
    same = {name: os.environ.get(name) for name in ("LAKEHOUSE_HOME", "LAKEHOUSE_PYTHON")}

    done = Checkout(ROOT).start(*words, env=same)

    assert done.returncode == code
    assert said in done.stdout + done.stderr
