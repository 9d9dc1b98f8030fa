//! Recorded alerts, one a line, from files, stdin, and `.gz` or `.zst` as they are.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::time::{SystemTime, UNIX_EPOCH};

use super::AppError;
use crate::model::{Timestamp, TopicName};

/// Takes the file's name, the number of the line, and the line.
pub type EachLine<'a> = dyn FnMut(&TopicName, u64, &[u8]) -> Result<(), AppError> + 'a;

/// Calls `each` with every non-empty line and its number, which starts at 1 in each file. A line without its end is a
/// line too.
pub fn each_line(files: &[String], each: &mut EachLine<'_>) -> Result<(), AppError> {
    for file in files {
        let io = |source| AppError::Io { doing: format!("reading {file}"), source };
        let mut reader = open(file).map_err(io)?;
        let name = TopicName::new(if file == "-" { "stdin" } else { file });
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            if reader.read_until(b'\n', &mut line).map_err(io)? == 0 {
                break;
            }
            let text = line.trim_ascii();
            if !text.is_empty() {
                each(&name, number, text)?;
            }
        }
    }
    Ok(())
}

/// When the newest of the files was written; of a stream, now.
pub fn written_at(files: &[String]) -> Timestamp {
    let written = |file: &String| std::fs::metadata(file).and_then(|meta| meta.modified()).ok();
    let newest = files.iter().filter_map(written).max().unwrap_or_else(SystemTime::now);
    let since = newest.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn open(file: &str) -> io::Result<Box<dyn BufRead>> {
    if file == "-" {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let raw = File::open(file)?;
    let reader: Box<dyn Read> = match file.rsplit_once('.') {
        Some((_, "gz")) => Box::new(flate2::read::MultiGzDecoder::new(raw)),
        Some((_, "zst")) => Box::new(zstd::stream::read::Decoder::new(raw)?),
        Some(_) | None => Box::new(raw),
    };
    Ok(Box::new(BufReader::with_capacity(1 << 16, reader)))
}
