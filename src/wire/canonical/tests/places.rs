//! Files and registry keys.

use super::*;

/// "Naming Files, Paths, and Namespaces" of Windows, and the names that its kernel gives.
#[test]
fn windows_paths() {
    check(
        ObservableKind::FilePath,
        &[
            (r"c:\users\bob\a.exe", r"c:\users\bob\a.exe"),
            (r"C:\Users\Bob\A.EXE", r"c:\users\bob\a.exe"),
            (r#""C:\Users\Bob\A.EXE""#, r"c:\users\bob\a.exe"),
            ("C:/Temp/x", r"c:\temp\x"),
            (r"C:\\Temp\\x", r"c:\temp\x"),
            (r"C:\Temp\", r"c:\temp"),
            (r"\\?\C:\Temp\x", r"c:\temp\x"),
            (r"\\.\C:\Temp\x", r"c:\temp\x"),
            (r"\??\C:\Temp\x", r"c:\temp\x"),
            (r"\\?\UNC\srv\share\x", r"\\srv\share\x"),
            (r"\Device\HarddiskVolume3\Temp\x", r"c:\temp\x"),
            (r"\Device\HarddiskVolume", r"\device\harddiskvolume"),
            (r"\Device\Mup\srv\share\x", r"\\srv\share\x"),
            (r"\\srv\share\x", r"\\srv\share\x"),
            (r"\\\\srv\\share\\x", r"\\srv\share\x"),
            (r"%SystemRoot%\System32\cmd.exe", r"c:\windows\system32\cmd.exe"),
            (r"%windir%\System32\cmd.exe", r"c:\windows\system32\cmd.exe"),
            (r"\SystemRoot\System32\x.sys", r"c:\windows\system32\x.sys"),
            (r"%ProgramFiles%\A\a.exe", r"c:\program files\a\a.exe"),
            (r"%ProgramFiles(x86)%\A\a.exe", r"c:\program files (x86)\a\a.exe"),
            (r"%ProgramData%\a", r"c:\programdata\a"),
            (r"%ALLUSERSPROFILE%\a", r"c:\programdata\a"),
            (r"%Public%\a.exe", r"c:\users\public\a.exe"),
            (r"%SystemDrive%\a", r"c:\a"),
            (r"%APPDATA%\a.exe", r"%appdata%\a.exe"),
            ("file:///C:/Temp/x", r"c:\temp\x"),
            ("file://srv/share/x", r"\\srv\share\x"),
            (r"D:\Ärger\X", r"d:\ärger\x"),
            (r"c:\a.txt:Zone.Identifier", r"c:\a.txt:zone.identifier"),
        ],
    );
    refuse(ObservableKind::FilePath, &["System", "a.exe", "Registry", "-", "  ", r"C:\", "C:", r"\\", r#""""#, "4:x"]);
    for shared in
        [r"c:\windows\system32\cmd.exe", r"c:\windows", r"c:\program files (x86)\a\a.exe", "/usr/bin/bash", "/lib"]
    {
        assert!(is_shared(ObservableKind::FilePath, shared), "{shared}");
    }
    for own in [r"c:\windows.old\x", r"c:\windowsx", "/usrx", "/tmp/x", "/dev/shm/x", r"c:\users\bob\a.exe"] {
        assert!(!is_shared(ObservableKind::FilePath, own), "{own}");
    }
}

#[test]
fn unix_paths() {
    check(
        ObservableKind::FilePath,
        &[
            ("/opt/App/Run", "/opt/App/Run"),
            ("/opt//App///Run", "/opt/App/Run"),
            ("/opt/App/", "/opt/App"),
            ("/tmp/x (deleted)", "/tmp/x"),
            ("file:///etc/passwd", "/etc/passwd"),
            ("/tmp/a b", "/tmp/a b"),
            ("/tmp/\u{7}x", "/tmp/\u{FFFD}x"),
        ],
    );
    refuse(ObservableKind::FilePath, &["/", "//", "(deleted)"]);
    check(
        ObservableKind::FileName,
        &[
            (r"C:\T\Mal.EXE", "mal.exe"),
            ("/tmp/x.SH", "x.sh"),
            ("a.doc", "a.doc"),
            ("\"A B.doc\"", "a b.doc"),
            ("/", ""),
            ("-", ""),
        ],
    );
}

#[test]
fn registry_keys() {
    let run = r"hklm\software\run";
    check(
        ObservableKind::RegistryKey,
        &[
            (run, run),
            (r"HKEY_LOCAL_MACHINE\Software\Run", run),
            (r"HKLM\Software\Run\", run),
            (r"HKLM:\Software\Run", run),
            (r"HKLM\\Software\\Run", run),
            (r"Registry::HKEY_LOCAL_MACHINE\Software\Run", run),
            (r"Microsoft.PowerShell.Core\Registry::HKEY_LOCAL_MACHINE\Software\Run", run),
            (r"Computer\HKEY_LOCAL_MACHINE\Software\Run", run),
            (r"\REGISTRY\MACHINE\SOFTWARE\Run", run),
            (r"\REGISTRY\USER\S-1-5-18", r"hku\s-1-5-18"),
            (r"HKEY_USERS\S-1-5-18", r"hku\s-1-5-18"),
            (r"HKEY_CURRENT_USER\Software\Run", r"hkcu\software\run"),
            (r"HKCU:\Software\Run", r"hkcu\software\run"),
            (r"HKEY_CLASSES_ROOT\.exe", r"hkcr\.exe"),
            (r"HKEY_CURRENT_CONFIG\x", r"hkcc\x"),
            (r"HKLM\SYSTEM\ControlSet001\Services\x", r"hklm\system\currentcontrolset\services\x"),
            (r"HKLM\System\CurrentControlSet\Services\x", r"hklm\system\currentcontrolset\services\x"),
            (r"HKLM\System\ControlSet001x\y", r"hklm\system\controlset001x\y"),
            (r"HKEY_LOCAL_MACHINES\x", r"hkey_local_machines\x"),
            (r"HKLMX\y", r"hklmx\y"),
        ],
    );
    refuse(ObservableKind::RegistryKey, &["-", "", r"\", "N/A", "Registry::"]);
}
