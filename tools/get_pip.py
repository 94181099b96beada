"""Installs pip from Python itself in the environments of ansible-test, if its own get-pip cannot be downloaded."""

import subprocess
import sys

SWITCHES = ("--no-setuptools", "--no-wheel")


def main():
    subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"], stdout=subprocess.DEVNULL)
    wanted = [word for word in sys.argv[1:] if word not in SWITCHES]
    if any(not word.startswith("-") for word in wanted):
        subprocess.check_call([sys.executable, "-m", "pip", "install", *wanted])


if __name__ == "__main__":
    main()
