//! `health`: one request to `/livez`, for a container that has no curl in it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use clap::Args;

use super::{AppError, ConfigArgs, load_config};

const ANSWER_MAX: Duration = Duration::from_secs(3);
const STATUS_LINE_BYTES_MAX: u64 = 256;

#[derive(Debug, Args)]
pub struct HealthArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Where the daemon listens, instead of what the configuration says
    #[arg(long, value_name = "ADDR")]
    pub http: Option<SocketAddr>,
}

pub fn run(args: &HealthArgs) -> Result<(), AppError> {
    let bind = match args.http {
        Some(address) => address,
        None => load_config(&args.config)?.http.bind,
    };
    let address = reachable(bind);
    let answer = status_line(address).map_err(|source| AppError::NoAnswer { address, source })?;
    match answer.split(' ').nth(1) {
        Some("200") => Ok(()),
        Some(_) | None => Err(AppError::NotLive { address, answer }),
    }
}

/// A daemon that listens everywhere is reached by loopback.
pub fn reachable(bind: SocketAddr) -> SocketAddr {
    let ip = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, bind.port())
}

fn status_line(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_MAX)?;
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    stream.set_write_timeout(Some(ANSWER_MAX))?;
    // In one write: a server that answers early would otherwise reset what is still to come.
    let request = format!("GET /livez HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream.take(STATUS_LINE_BYTES_MAX)).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everywhere_is_reached_by_loopback() {
        for (bind, expected) in
            [("0.0.0.0:8480", "127.0.0.1:8480"), ("[::]:8480", "[::1]:8480"), ("10.0.0.5:80", "10.0.0.5:80")]
        {
            assert_eq!(reachable(bind.parse().unwrap()), expected.parse().unwrap());
        }
    }
}
