"""A stand-in for a Python for Windows: it has the shape of one, and its python.exe only writes down how it was called.

The programs in it are made by makensis itself, so that an installer can be tried under Wine without any foreign one.
"""
from __future__ import annotations

import subprocess
from pathlib import Path

PROGRAM = r"""
Target amd64-unicode
OutFile "{output}"
SilentInstall silent
RequestExecutionLevel user
Section
SectionEnd
Function .onInit
  ReadEnvStr $0 IBS_STAND_IN_LOG
  ReadEnvStr $1 IBS_CODE
  ReadEnvStr $3 IBS_STAND_IN_CODES
  FileOpen $2 "$0" a
  FileSeek $2 0 END
  FileWriteUTF16LE $2 "$CMDLINE$\tIBS_CODE=$1$\r$\n"
  FileClose $2
  ; IBS_STAND_IN_CODES is "stop=0 schedule=1 set-up=4 ": how a call ends that has this word among its own.
  StrCpy $4 0
  next:
  StrCmp $3 "" decided
  StrCpy $R0 0
  word:
  StrCpy $5 $3 1 $R0
  IntOp $R0 $R0 + 1
  StrCmp $5 "=" 0 word
  IntOp $R1 $R0 - 1
  StrCpy $6 $3 $R1
  StrCpy $3 $3 "" $R0
  StrCpy $7 $3 1
  StrCpy $3 $3 "" 2
  StrLen $R2 $6
  StrCpy $R3 0
  look:
  StrCpy $R4 $CMDLINE $R2 $R3
  StrCmp $R4 "" next
  IntOp $R3 $R3 + 1
  StrCmp $R4 $6 0 look
  StrCpy $4 $7
  decided:
  SetErrorLevel $4
  Quit
FunctionEnd
"""
FILES = (
    "python3.dll", "python312.dll", "DLLs/_tkinter.pyd", "DLLs/tk86t.dll", "Lib/os.py", "Lib/tkinter/__init__.py",
    "tcl/tcl8.6/init.tcl", "LICENSE.txt",
)
NOT_WANTED = (
    "Doc/python312.chm", "include/Python.h", "libs/python312.lib", "Scripts/pip.exe", "Tools/demo/life.py",
    "Lib/test/test_os.py", "Lib/idlelib/idle.py", "Lib/site-packages/pip/__init__.py", "Lib/ensurepip/__init__.py",
    "Lib/__pycache__/os.cpython-312.pyc",
)


def make_shape(folder: Path) -> Path:
    """Everything but programs that run; the folder."""
    for name in (*FILES, *NOT_WANTED, "python.exe", "pythonw.exe"):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"stand-in for {name}\n")
    return folder


def make_stand_in(folder: Path) -> Path:
    """A whole stand-in whose programs run; the folder."""
    make_shape(folder)
    script = folder.parent / "stand-in.nsi"
    for name in ("python.exe", "pythonw.exe"):
        script.write_text(PROGRAM.replace("{output}", str(folder / name)))
        subprocess.run(["makensis", "-V1", script], check=True, capture_output=True)
    return folder
