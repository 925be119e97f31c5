"""Build the executable: prepare, freeze, weigh. `make package` runs it; the result is dist/cts-connections/."""

import argparse
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST, WORK = ROOT / "dist", ROOT / "build"
MAX_FOLDER_MB, MAX_ARCHIVE_MB = 155, 65


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-archive", action="store_true", help="leave the tar.gz out")
    parser.add_argument("--dist", type=Path, default=DIST, help="where the built folder goes")
    options = parser.parse_args()
    try:
        _prepare()
        _freeze(options.dist)
    except subprocess.CalledProcessError:
        print("The executable was not built; the lines above say why.", file=sys.stderr)
        return 1
    built = options.dist / "cts-connections"
    megabytes = _size(built) / 1_000_000
    print(f"{built.name}: {megabytes:.0f} MB (at most {MAX_FOLDER_MB})")
    too_big = megabytes > MAX_FOLDER_MB
    if not options.no_archive:
        archive = _pack(built)
        packed = archive.stat().st_size / 1_000_000
        print(f"{archive.name}: {packed:.0f} MB (at most {MAX_ARCHIVE_MB})")
        too_big = too_big or packed > MAX_ARCHIVE_MB
    return 1 if too_big else 0


def _prepare() -> None:
    """Validate the configuration and every migration before anything is frozen."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, str(ROOT / "main.py"), "--data-dir", folder, "prepare"], check=True)


def _freeze(dist: Path) -> None:
    spec = ROOT / "packaging" / "cts-connections.spec"
    folders = ["--distpath", str(dist), "--workpath", str(WORK)]
    subprocess.run(
        [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", *folders, str(spec)], check=True
    )


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _pack(folder: Path) -> Path:
    archive = folder.parent / f"cts-connections-{sys.platform}.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=9) as tar:
        tar.add(folder, arcname=folder.name)
    return archive


if __name__ == "__main__":
    sys.exit(main())
