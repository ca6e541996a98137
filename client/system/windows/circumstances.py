"""Windows' answers: mains or battery by one call, the cost of the line by WinRT through PowerShell."""
from __future__ import annotations

from client.system.windows.calls import Calls, native
from client.system.windows.powershell import ask_powershell

BATTERY = 0
"""ACLineStatus of GetSystemPowerStatus; 1 is mains, 255 unknown."""
TIMEOUT = 30.0
COST_SCRIPT = """
[void][Windows.Networking.Connectivity.NetworkInformation,Windows.Networking.Connectivity,ContentType=WindowsRuntime]
$profile = [Windows.Networking.Connectivity.NetworkInformation]::GetInternetConnectionProfile()
$cost = if ($profile) { $profile.GetConnectionCost() } else { $null }
@{
  kind = if ($cost) { [string]$cost.NetworkCostType } else { '' }
  roaming = if ($cost) { [bool]$cost.Roaming } else { $false }
  over = if ($cost) { [bool]$cost.OverDataLimit } else { $false }
} | ConvertTo-Json -Compress
"""
PAID = {"Fixed", "Variable"}
"""A volume that is paid for in advance, and payment by volume; the other kinds are Unrestricted and Unknown."""


def on_battery(calls: Calls | None = None) -> bool:
    """True when mains is off; a computer that does not know runs on mains."""
    try:
        return (calls or native()).power_line() == BATTERY
    except OSError:
        return False


def on_metered_line(calls: Calls | None = None) -> bool:
    """True when the line in use is metered or roams; one whose cost Windows does not tell is not."""
    try:
        answer = ask_powershell(COST_SCRIPT, timeout=TIMEOUT, calls=calls)
    except OSError:
        return False
    return answer.get("kind") in PAID or answer.get("roaming") is True or answer.get("over") is True
