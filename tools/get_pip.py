"""Gives ansible-test's new environments their pip out of Python itself, where the script it wants can't be fetched."""

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
