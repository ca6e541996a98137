; The client's installer for 64-bit Windows. build_installer.py gives VERSION, NUMBERS (four of them), FILES (the folder
; "python" with everything in it), KILOBYTES, OUTPUT, ICON, and SIGN for the signing hook.
;
; Silent: ibs-client-setup.exe /S [/PORTAL=https://… /CODE=KX4-92QM] [/ALLUSERS | /CURRENTUSER] [/FOLDERS=DIR;DIR]
;         [/CA=FILE] [/RECOVERY=FILE] [/LOG=FILE] [/NOSCHEDULE] [/D=DIR, always last and without quotes]
; The exit codes and the log are described in docs/technician.md. Upgrades run over what is installed: the store in
; ProgramData (or LocalAppData for one user) is never touched.

Target amd64-unicode
SetCompressor ${COMPRESSOR}
Name "Integrated Backup"
OutFile "${OUTPUT}"
RequestExecutionLevel highest
ManifestDPIAware true
ManifestSupportedOS all
BrandingText " "
ShowInstDetails nevershow
ShowUninstDetails nevershow

VIProductVersion "${NUMBERS}"
VIFileVersion "${NUMBERS}"
VIAddVersionKey "ProductName" "Integrated Backup"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "Installs the client of IBS, the Integrated Backup Solution"
VIAddVersionKey "CompanyName" "IBS"
VIAddVersionKey "LegalCopyright" "MIT License"

!ifdef SIGN
!uninstfinalize '${SIGN} "%1"' = 0
!endif

!include "MUI2.nsh"
!include "FileFunc.nsh"
!include "LogicLib.nsh"
!include "x64.nsh"

!define KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\IBS"
!define CANCELLED 1
!define SKIPPED 3
!define NO_RIGHTS 10
!define IN_USE 11
!define NOT_WRITTEN 12
!define WRONG_WORDS 13
!define SET_UP_FAILED 20
!define REFUSED 21
!define NOT_REGISTERED 22

Var Portal
Var Code
Var Folders
Var Authority
Var Recovery
Var Log
Var Everybody   ; 1 for the whole computer, 0 for this user
Var NoSchedule
Var Store
Var Ended       ; the exit code
Var Found        ; 1 when the word that was looked for is there
Var Told         ; what the last page says
Var PortalField
Var CodeField

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_WELCOMEFINISHPAGE_BITMAP "${FILES}\side.bmp"
!define MUI_ABORTWARNING
!define MUI_FINISHPAGE_TITLE "Integrated Backup is installed"
!define MUI_FINISHPAGE_TEXT "$Told"
!define MUI_FINISHPAGE_RUN
!define MUI_FINISHPAGE_RUN_TEXT "Open Integrated Backup"
!define MUI_FINISHPAGE_RUN_FUNCTION OpenWindow
Page custom AskPortal TakePortal
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

; --- words and log ---------------------------------------------------------------------------------------------------

!macro DefineLog UN
Function ${UN}Say
  Exch $0
  Push $1
  Push $2
  Push $3
  Push $4
  Push $5
  Push $6
  Push $7
  DetailPrint "$0"
  ${If} $Log != ""
    ${GetTime} "" "L" $1 $2 $3 $4 $5 $6 $7
    FileOpen $4 "$Log" a
    FileSeek $4 0 END
    FileWrite $4 "$3-$2-$1 $5:$6:$7 $0$\r$\n"
    FileClose $4
  ${EndIf}
  Pop $7
  Pop $6
  Pop $5
  Pop $4
  Pop $3
  Pop $2
  Pop $1
  Pop $0
FunctionEnd

; The value of a word such as /LOG= among those of the command; quotes may stand around the value or the whole word.
; On the stack: the word; then its value. $Found says whether it is there.
Function ${UN}Option
  Exch $R0
  Push $R1
  Push $R2
  Push $R3
  Push $R4
  Push $R5
  Push $R6
  ${GetParameters} $R1
  StrLen $R2 $R0
  StrCpy $R6 ""
  StrCpy $Found 0
  ${DoUntil} $R1 == ""
    StrCpy $R3 ""
    StrCpy $R5 0
    ${Do}
      StrCpy $R4 $R1 1
      StrCpy $R1 $R1 "" 1
      ${If} $R4 == ""
        ${Break}
      ${ElseIf} $R4 == '"'
        IntOp $R5 1 - $R5
      ${ElseIf} $R4 == " "
      ${AndIf} $R5 == 0
        ${Break}
      ${Else}
        StrCpy $R3 "$R3$R4"
      ${EndIf}
    ${Loop}
    StrCpy $R4 $R3 $R2
    ${If} $R4 == $R0
      StrCpy $R6 $R3 "" $R2
      StrCpy $Found 1
    ${EndIf}
  ${Loop}
  StrCpy $R0 $R6
  Pop $R6
  Pop $R5
  Pop $R4
  Pop $R3
  Pop $R2
  Pop $R1
  Exch $R0
FunctionEnd

; The log is opened once, so that a name that can't be written to is told at once.
Function ${UN}OpenLog
  Push "/LOG="
  Call ${UN}Option
  Pop $Log
  ${If} $Log == ""
    Return
  ${EndIf}
  Push $0
  ClearErrors
  FileOpen $0 "$Log" a
  ${If} ${Errors}
    IfSilent +2
    MessageBox MB_OK|MB_ICONEXCLAMATION "The log $Log can't be written."
    SetErrorLevel ${WRONG_WORDS}
    Quit
  ${EndIf}
  FileClose $0
  Pop $0
FunctionEnd

; Runs a command of the client hidden; what it says goes into the log. On the stack: the words; then its exit code.
Function ${UN}RunClient
  Exch $0
  Push $1
  StrCpy $1 '"$Log"'
  ${If} $Log == ""
    StrCpy $1 "NUL"
  ${EndIf}
  nsExec::Exec '"$SYSDIR\cmd.exe" /D /S /C ""$INSTDIR\python\python.exe" -I -m client.cli --home "$Store" $0 >>$1 2>&1 <NUL"'
  Pop $0
  Pop $1
  Exch $0
FunctionEnd

; Which store, which registry, which menu: those of everybody or of this user.
Function ${UN}ChooseScope
  SetRegView 64
  ${If} $Everybody == 1
    SetShellVarContext all
    StrCpy $Store "$APPDATA\IBS"
  ${Else}
    SetShellVarContext current
    StrCpy $Store "$LOCALAPPDATA\IBS"
  ${EndIf}
FunctionEnd
!macroend
!insertmacro DefineLog ""
!insertmacro DefineLog "un."

!macro Say UN TEXT
  Push `${TEXT}`
  Call ${UN}Say
!macroend
!define Say `!insertmacro Say ""`
!define unSay `!insertmacro Say "un."`

!macro Option WORD VALUE
  Push "${WORD}"
  Call Option
  Pop ${VALUE}
!macroend
!define Option `!insertmacro Option`

!macro End CODE TEXT
  StrCpy $Ended ${CODE}
  ${Say} `${TEXT} (exit code ${CODE})`
  IfSilent +2
  MessageBox MB_OK|MB_ICONEXCLAMATION `${TEXT}`
  SetErrorLevel ${CODE}
  Quit
!macroend
!define End `!insertmacro End`

; --- before anything is done -----------------------------------------------------------------------------------------

Function .onInit
  StrCpy $Ended 0
  Call OpenLog
  ${Option} "/PORTAL=" $Portal
  ${Option} "/CODE=" $Code
  ${Option} "/FOLDERS=" $Folders
  ${Option} "/CA=" $Authority
  ${Option} "/RECOVERY=" $Recovery
  ${Option} "/NOSCHEDULE" $0
  StrCpy $NoSchedule $Found
  ${If} $Code == ""
    ReadEnvStr $Code "IBS_CODE"
  ${EndIf}
  ${Say} "Integrated Backup ${VERSION}"
  ${IfNot} ${RunningX64}
    ${End} ${NO_RIGHTS} "Integrated Backup needs a 64-bit Windows."
  ${EndIf}
  Call ChooseUsers
  Call ChooseScope
  ${If} $INSTDIR == ""
    ReadRegStr $INSTDIR SHCTX "${KEY}" "InstallLocation"
  ${EndIf}
  ${If} $INSTDIR == ""
    ${If} $Everybody == 1
      StrCpy $INSTDIR "$PROGRAMFILES64\IBS"
    ${Else}
      StrCpy $INSTDIR "$LOCALAPPDATA\Programs\IBS"
    ${EndIf}
  ${EndIf}
  IfSilent 0 asked
  ${If} $Portal == ""
  ${AndIf} $Code != ""
    ${End} ${WRONG_WORDS} "/CODE= needs /PORTAL=, the portal's address."
  ${EndIf}
  asked:
FunctionEnd

; Everybody's computer where the rights suffice, unless the words of the command want something else.
Function ChooseUsers
  StrCpy $Everybody 0
  UserInfo::GetAccountType
  Pop $1
  ${If} $1 == "Admin"
    StrCpy $Everybody 1
  ${EndIf}
  ${Option} "/CURRENTUSER" $2
  ${If} $Found == 1
    StrCpy $Everybody 0
  ${EndIf}
  ${Option} "/ALLUSERS" $2
  ${If} $Found == 1
    ${If} $1 != "Admin"
      ${End} ${NO_RIGHTS} "Installing for the whole computer needs an administrator."
    ${EndIf}
    StrCpy $Everybody 1
  ${EndIf}
FunctionEnd

; --- the one question ------------------------------------------------------------------------------------------------

Function AskPortal
  !insertmacro MUI_HEADER_TEXT "Set this computer up" "With a set-up code everything is done now. Without one, sign in later in the window."
  nsDialogs::Create 1018
  Pop $0
  ${NSD_CreateLabel} 0 0 100% 10u "&Portal, such as https://backup.example.com"
  Pop $0
  ${NSD_CreateText} 0 12u 100% 13u "$Portal"
  Pop $PortalField
  ${NSD_CreateLabel} 0 34u 100% 10u "Set-up &code from your backup provider"
  Pop $0
  ${NSD_CreateText} 0 46u 40% 13u "$Code"
  Pop $CodeField
  ${If} $Everybody == 1
    StrCpy $1 "Installs for everybody on this computer, into $INSTDIR."
  ${Else}
    StrCpy $1 "Installs for you alone, into $INSTDIR. An administrator can install for everybody."
  ${EndIf}
  ${NSD_CreateLabel} 0 72u 100% 20u "$1"
  Pop $0
  GetDlgItem $0 $HWNDPARENT 1
  SendMessage $0 ${WM_SETTEXT} 0 "STR:&Install"
  ${NSD_SetFocus} $PortalField
  nsDialogs::Show
FunctionEnd

Function TakePortal
  ${NSD_GetText} $PortalField $Portal
  ${NSD_GetText} $CodeField $Code
  ${If} $Code != ""
  ${AndIf} $Portal == ""
    MessageBox MB_OK|MB_ICONEXCLAMATION "Enter the portal's address, too. It stands beside the code."
    Abort
  ${EndIf}
FunctionEnd

; --- the work --------------------------------------------------------------------------------------------------------

Section "Integrated Backup"
  Call StopClient
  Call ReplaceFiles
  Call Register
  Call Schedule
  Call SetUp
  SetErrorLevel $Ended
  ${Say} "Installed into $INSTDIR; the store is $Store (exit code $Ended)"
SectionEnd

; A former version ends in order, and its folder is set aside whole: as long as something runs from it, that fails.
Function StopClient
  RMDir /r "$INSTDIR\python.old"
  ${IfNot} ${FileExists} "$INSTDIR\python\*.*"
    Return
  ${EndIf}
  again:
  ${If} ${FileExists} "$INSTDIR\python\python.exe"
    ${Say} "Asking the client to end"
    Push "stop --wait 60"
    Call RunClient
    Pop $0
  ${EndIf}
  ClearErrors
  Rename "$INSTDIR\python" "$INSTDIR\python.old"
  ${If} ${Errors}
    IfSilent inuse
    MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "Integrated Backup is still at work. Close its window and try again." IDRETRY again
    inuse:
    ${End} ${IN_USE} "The former version is still at work; nothing was changed."
  ${EndIf}
FunctionEnd

Function ReplaceFiles
  ClearErrors
  SetOutPath "$INSTDIR"
  SetOverwrite on
  File /r "${FILES}\python"
  File "/oname=ibs-client.ico" "${ICON}"
  File "${FILES}\ibs-client.cmd"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  ${If} ${Errors}
    RMDir /r "$INSTDIR\python"
    Rename "$INSTDIR\python.old" "$INSTDIR\python"
    ${End} ${NOT_WRITTEN} "The program could not be written to $INSTDIR; a former version was put back."
  ${EndIf}
  RMDir /r "$INSTDIR\python.old"
  SetOutPath "$TEMP"
FunctionEnd

Function Register
  WriteRegStr SHCTX "${KEY}" "DisplayName" "Integrated Backup"
  WriteRegStr SHCTX "${KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr SHCTX "${KEY}" "DisplayIcon" "$INSTDIR\ibs-client.ico"
  WriteRegStr SHCTX "${KEY}" "Publisher" "IBS"
  WriteRegStr SHCTX "${KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr SHCTX "${KEY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr SHCTX "${KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD SHCTX "${KEY}" "EstimatedSize" ${KILOBYTES}
  WriteRegDWORD SHCTX "${KEY}" "NoModify" 1
  WriteRegDWORD SHCTX "${KEY}" "NoRepair" 1
  WriteRegDWORD SHCTX "${KEY}" "WholeComputer" $Everybody
  SetOutPath "$INSTDIR"
  CreateShortcut "$SMPROGRAMS\Integrated Backup.lnk" "$INSTDIR\python\pythonw.exe" '-I -m client.cli --home "$Store"' \
    "$INSTDIR\ibs-client.ico" 0 SW_SHOWNORMAL "" "Back files up and bring them back"
  SetOutPath "$TEMP"
FunctionEnd

Function Schedule
  ${If} $NoSchedule == 1
    Return
  ${EndIf}
  StrCpy $0 "schedule install"
  ${If} $Everybody == 1
    StrCpy $0 "schedule install --whole-computer"
  ${EndIf}
  Push $0
  Call RunClient
  Pop $0
  ${If} $0 != 0
    ${Say} "The task could not be registered; backups do not start by themselves"
    StrCpy $Ended ${NOT_REGISTERED}
  ${EndIf}
FunctionEnd

; The code goes through the environment, where no list of processes shows it.
Function SetUp
  StrCpy $Told "Open it now to sign in and to choose what is backed up."
  ${If} $Portal == ""
    Return
  ${EndIf}
  ${If} $Code == ""
  ${AndIfNot} ${FileExists} "$Store\identity.xml"
    ${Say} "No set-up code was given: sign in to $Portal in the window"
    Return
  ${EndIf}
  ${Say} "Setting this computer up at $Portal; this includes the first backup"
  StrCpy $1 'set-up "$Portal"'
  StrCpy $2 "$Folders;"
  ${DoWhile} $2 != ""
    Call NextFolder
    StrCpy $4 $3 1 -1
    ${If} $4 == "\"
      StrCpy $3 "$3."  ; or the backslash would swallow the quote
    ${EndIf}
    ${If} $3 != ""
      StrCpy $1 '$1 --folder "$3"'
    ${EndIf}
  ${Loop}
  ${If} $Authority != ""
    StrCpy $1 '$1 --ca "$Authority"'
  ${EndIf}
  ${If} $NoSchedule == 1
    StrCpy $1 "$1 --no-scheduler"
  ${EndIf}
  StrCpy $1 "$1 --hide-recovery-code"
  Call ChooseSheet
  ${If} $Recovery != ""
    StrCpy $1 '$1 --recovery-sheet "$Recovery"'
  ${EndIf}
  System::Call 'kernel32::SetEnvironmentVariable(t "IBS_CODE", t "$Code")'
  Push $1
  Call RunClient
  Pop $0
  System::Call 'kernel32::SetEnvironmentVariable(t "IBS_CODE", p 0)'
  ${Say} "set-up ended with $0"
  StrCpy $Told "The set-up did not end well. The window goes on with it and says what is missing."
  ${If} $0 == 0
  ${OrIf} $0 == 3
    StrCpy $Told "This computer is backed up, and a test restore has succeeded. The portal prints the hand-over sheet."
  ${EndIf}
  ${If} $Recovery != ""
  ${AndIf} ${FileExists} "$Recovery"
    StrCpy $Told "$Told$\r$\n$\r$\nThe recovery code is in $Recovery. Print it, keep the paper away from this computer, and delete the file."
  ${EndIf}
  ${If} $0 == 0
    Return
  ${ElseIf} $0 == 3
    StrCpy $Ended ${SKIPPED}
  ${ElseIf} $0 == 4
    StrCpy $Ended ${REFUSED}
  ${Else}
    StrCpy $Ended ${SET_UP_FAILED}
  ${EndIf}
FunctionEnd

; Somebody who sits here gets the recovery code as a file on the own desktop, unless another place was named. A silent
; installation shows it nowhere: the owner makes one in the portal.
Function ChooseSheet
  IfSilent chosen
  ${If} $Recovery != ""
  ${OrIf} ${FileExists} "$Store\identity.xml"
    Return
  ${EndIf}
  SetShellVarContext current
  StrCpy $Recovery "$DESKTOP\Recovery sheet of IBS.txt"
  StrCpy $4 1
  ${DoWhile} ${FileExists} "$Recovery"
    IntOp $4 $4 + 1
    StrCpy $Recovery "$DESKTOP\Recovery sheet of IBS $4.txt"
  ${Loop}
  Call ChooseScope
  chosen:
FunctionEnd

; $2 is a list that ends with ";": its first part goes to $3.
Function NextFolder
  StrCpy $4 0
  ${Do}
    StrCpy $5 $2 1 $4
    ${If} $5 == ";"
    ${OrIf} $5 == ""
      ${Break}
    ${EndIf}
    IntOp $4 $4 + 1
  ${Loop}
  StrCpy $3 $2 $4
  IntOp $4 $4 + 1
  StrCpy $2 $2 "" $4
FunctionEnd

Function OpenWindow
  Exec '"$INSTDIR\python\pythonw.exe" -I -m client.cli --home "$Store"'
FunctionEnd

; --- removing --------------------------------------------------------------------------------------------------------

Function un.onInit
  Call un.OpenLog
  SetRegView 64
  StrCpy $Everybody 0
  ReadRegStr $1 HKLM "${KEY}" "InstallLocation"
  ${If} $1 == $INSTDIR
    StrCpy $Everybody 1
    UserInfo::GetAccountType
    Pop $2
    ${If} $2 != "Admin"
      IfSilent +2
      MessageBox MB_OK|MB_ICONEXCLAMATION "Removing it from the whole computer needs an administrator."
      SetErrorLevel ${NO_RIGHTS}
      Quit
    ${EndIf}
  ${EndIf}
  Call un.ChooseScope
FunctionEnd

Section "Uninstall"
  again:
  Push "stop --wait 60"
  Call un.RunClient
  Pop $0
  StrCpy $1 "schedule remove"
  ${If} $Everybody == 1
    StrCpy $1 "schedule remove --whole-computer"
  ${EndIf}
  Push $1
  Call un.RunClient
  Pop $0
  ClearErrors
  Rename "$INSTDIR\python" "$INSTDIR\python.old"
  ${If} ${Errors}
  ${AndIf} ${FileExists} "$INSTDIR\python\*.*"
    IfSilent inuse
    MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "Integrated Backup is still at work. Close its window and try again." IDRETRY again
    inuse:
    ${unSay} "The program is still at work; nothing was removed (exit code ${IN_USE})"
    SetErrorLevel ${IN_USE}
    Quit
  ${EndIf}
  RMDir /r "$INSTDIR\python.old"
  Delete "$INSTDIR\ibs-client.ico"
  Delete "$INSTDIR\ibs-client.cmd"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  Delete "$SMPROGRAMS\Integrated Backup.lnk"
  DeleteRegKey SHCTX "${KEY}"
  Call un.AskForStore
  ${unSay} "Removed from $INSTDIR"
SectionEnd

; The store stays unless a person says otherwise, or /DELETESTORE does.
Function un.AskForStore
  ${IfNot} ${FileExists} "$Store\*.*"
    Return
  ${EndIf}
  Push "/DELETESTORE"
  Call un.Option
  Pop $0
  ${If} $Found == 0
    MessageBox MB_YESNO|MB_ICONQUESTION|MB_DEFBUTTON2 "Delete this computer's sign-in, its list of folders and its activity log as well?$\r$\n$\r$\nThe snapshots stay on the storage in any case. Keep them here if the program will be installed again." /SD IDNO IDYES remove
    ${unSay} "The store stays in $Store"
    Return
  ${EndIf}
  remove:
  RMDir /r "$Store"
  ${unSay} "Deleted the store $Store; the snapshots stay on the storage"
FunctionEnd
