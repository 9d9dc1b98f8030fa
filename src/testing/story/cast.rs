//! Who and what there is in the story.

pub(super) struct Host {
    pub name: &'static str,
    pub address: &'static str,
    /// The number of its Wazuh agent.
    pub agent: u16,
}

impl Host {
    const fn new(name: &'static str, address: &'static str, agent: u16) -> Self {
        Self { name, address, agent }
    }

    pub(super) fn full_name(&self) -> String {
        format!("{}.corp.example", self.name)
    }
}

/// Where the attack begins: a workstation in accounting, and who works there.
pub(super) const WORKSTATION: Host = Host::new("WS-FIN-07", "10.20.4.17", 41);
pub(super) const VICTIM: &str = "j.doe";
/// Where it goes: a file server, with an account of the help desk.
pub(super) const FILE_SERVER: Host = Host::new("FS-02", "10.20.1.22", 12);
pub(super) const HELPDESK: &str = "a.roe";

pub(super) const LURE_SENDER: &str = "billing@invoice-desk.example";
pub(super) const BEACON_ADDRESS: &str = "203.0.113.66";
pub(super) const BEACON_DOMAIN: &str = "assets.weather-widget.example";
pub(super) const DROP_ADDRESS: &str = "198.51.100.77";
pub(super) const DROP_DOMAIN: &str = "upload.quick-share.example";
pub(super) const LURE_SHA256: &str = "8f4d2c7e91b35a60d8e1f2b4c6a7980315e4d7c2b9a86f5043210fedcba98765";
pub(super) const IMPLANT_SHA256: &str = "27c5e9a1b3d40f86e2c1a7958463fd0b1e2c3d4a5f6978810a9b8c7d6e5f4031";
pub(super) const ARCHIVE_SHA256: &str = "b19e0d5c3f7a2846e0d1c2b3a4958677f1e2d3c4b5a69788091a2b3c4d5e6f70";

/// Everybody else's machines. None of them ever talks to the two above.
pub(super) const OFFICE: [(Host, &str); 10] = [
    (Host::new("WS-HR-02", "10.20.5.12", 51), "m.poe"),
    (Host::new("WS-HR-05", "10.20.5.15", 52), "k.field"),
    (Host::new("WS-LEGAL-01", "10.20.5.21", 53), "s.brook"),
    (Host::new("WS-SALES-03", "10.20.6.13", 61), "t.stone"),
    (Host::new("WS-SALES-08", "10.20.6.18", 62), "l.wood"),
    (Host::new("WS-SALES-11", "10.20.6.21", 63), "r.hill"),
    (Host::new("WS-ENG-04", "10.20.7.14", 71), "d.lake"),
    (Host::new("WS-ENG-09", "10.20.7.19", 72), "p.marsh"),
    (Host::new("WS-ENG-15", "10.20.7.25", 73), "e.moor"),
    (Host::new("WS-OPS-01", "10.20.8.11", 81), "n.dale"),
];
pub(super) const BACKUP: Host = Host::new("BK-01", "10.20.2.31", 21);
pub(super) const PRINT: Host = Host::new("PRN-01", "10.20.2.41", 22);
pub(super) const WEB: Host = Host::new("lin-web-01", "10.20.3.11", 31);
pub(super) const BUILD: Host = Host::new("lin-build-01", "10.20.3.21", 32);
pub(super) const MONITOR: Host = Host::new("lin-mon-01", "10.20.3.31", 33);
/// The company's own vulnerability scanner, and what it looks at this week.
pub(super) const SCANNER_ADDRESS: &str = "10.20.9.9";
pub(super) const SCANNED: [&str; 4] = ["10.20.2.51", "10.20.2.52", "10.20.2.53", "10.20.2.54"];
/// The web server as the Internet sees it.
pub(super) const PUBLIC_ADDRESS: &str = "192.0.2.10";
