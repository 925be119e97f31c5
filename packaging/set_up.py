"""Set up a fresh machine: the environment in `.venv`, the pinned packages, the system libraries that Qt needs.

Runs on a bare Python 3.11 or newer with the standard library alone:

    python3 packaging/set_up.py          what the program needs
    python3 packaging/set_up.py --dev    and what tests, lint and packaging need
"""

import ctypes
import ctypes.util
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

# What PySide6's xcb platform opens and a bare Debian 12 lacks: library to look for, package that brings it.
QT_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
}
# What PyInstaller takes libraries apart with.
BINUTILS = "objdump"
# What `make run` starts; compiled once here, where nobody waits for a command's answer.
PROGRAM = ("exchanges", "gui", "models", "services", "storage")
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts")
FONT_PACKAGE = "fonts-dejavu-core"


def main(arguments: list[str]) -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs this may have an older one
        return _set_up_with_newer_python(arguments)
    lock = ROOT / ("requirements-dev.lock" if "--dev" in arguments else "requirements.lock")
    try:
        _make_environment()
        _install(lock)
    except subprocess.CalledProcessError as error:
        print(
            f"Set-up stopped: {' '.join(map(str, error.cmd[:4]))} ... failed. The lines above say why.", file=sys.stderr
        )
        return 1
    _compile()
    return _provide_system_packages("--dev" in arguments) if sys.platform == "linux" else 0


def _set_up_with_newer_python(arguments: list[str]) -> int:
    for minor in range(14, 10, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            return subprocess.call([found, __file__, *arguments])
    print("Python 3.11 or newer is needed; this is", sys.version.split()[0], "- install python3.11.", file=sys.stderr)
    return 1


def _make_environment() -> None:
    if PYTHON.exists() and subprocess.call([PYTHON, "-c", "import pip"], stderr=subprocess.DEVNULL) == 0:
        return
    print("Creating .venv ...", flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=False)
    if made.returncode == 0:
        return
    if _may_install():
        version = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        _apt(["python3-venv", version])
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
        return
    print("Python's venv module is missing. On Debian or Ubuntu: sudo apt install python3-venv", file=sys.stderr)
    made.check_returncode()


def _install(lock: Path) -> None:
    """Install exactly what the lock pins, unless the environment was made from this very lock already."""
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = VENV / f".{lock.stem}.installed"
    if stamp.is_file() and stamp.read_text(encoding="ascii") == digest:
        return
    print(f"Installing the packages that {lock.name} pins ...", flush=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    subprocess.run([*pip, "--only-binary", ":all:", "-r", str(lock)], check=True)
    stamp.write_text(digest, encoding="ascii")


def _compile() -> None:
    """Byte-compile the program where a file has changed since the last time. A failure is the interpreter's to tell."""
    files = sorted(path for name in PROGRAM for path in (ROOT / name).rglob("*.py"))
    state = repr([(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files]).encode()
    digest = hashlib.sha256(state).hexdigest()
    stamp = VENV / ".program.compiled"
    if stamp.is_file() and stamp.read_text(encoding="ascii") == digest:
        return
    folders = [str(ROOT / name) for name in PROGRAM if (ROOT / name).is_dir()]
    if subprocess.call([str(PYTHON), "-m", "compileall", "-q", *folders], stdout=subprocess.DEVNULL) == 0:
        stamp.write_text(digest, encoding="ascii")


def _provide_system_packages(building: bool) -> int:
    """Install, or name, what Qt's window needs, and for `building` the executable what that needs."""
    missing = sorted({package for library, package in QT_LIBRARIES.items() if not _loads(library)})
    if not any(path.suffix in {".ttf", ".otf", ".ttc"} for folder in FONT_FOLDERS for path in Path(folder).rglob("*")):
        missing.append(FONT_PACKAGE)
    if building:
        missing += _lacking_for_the_build()
    if not missing:
        return 0
    if _may_install():
        print("Installing the system packages:", *missing, flush=True)
        if _apt(missing):
            return 0
    print("These system packages are needed: sudo apt install", *missing, file=sys.stderr)
    return 1


def _lacking_for_the_build() -> list[str]:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    missing = [] if shutil.which(BINUTILS) else ["binutils"]
    # Debian's interpreter has its library built in; the executable needs it as a file.
    if sys.base_prefix == "/usr" and not ctypes.util.find_library(f"python{version}"):
        missing.append(f"libpython{version}")
    return missing


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _may_install() -> bool:
    if not shutil.which("apt-get"):
        return False
    if os.geteuid() == 0:
        return True
    return bool(shutil.which("sudo")) and subprocess.call(["sudo", "-n", "true"], stderr=subprocess.DEVNULL) == 0


def _apt(packages: list[str]) -> bool:
    apt = [] if os.geteuid() == 0 else ["sudo", "-n"]
    apt += ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
    subprocess.call([*apt, "update"], stdout=subprocess.DEVNULL)
    return subprocess.call([*apt, "install", "--no-install-recommends", *packages], stdout=subprocess.DEVNULL) == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
