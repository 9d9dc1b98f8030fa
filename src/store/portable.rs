//! A store as one file that any machine can read: a line of JSON that says whose rows these are, the rows packed with
//! zstd, and a SHA-256 over all of it. A row is its key and its value, each after its length; a key of no bytes ends
//! them, and their number follows.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{ChangelogId, Codec, FORMAT, Position, Row, RowError, Store, StoreError};

const ZSTD_LEVEL: i32 = 3;
const HEADER_BYTES_MAX: u64 = 4_096;
/// Larger than any row; a length above it is damage, and nothing is allocated for it.
const VALUE_BYTES_MAX: usize = 64 * 1024 * 1024;
const KEY_BYTES_MAX: usize = 256;
/// Rows applied at once while importing.
const BATCH_BYTES: usize = 8 * 1024 * 1024;
const SHA_BYTES: usize = 32;

#[derive(Debug, thiserror::Error)]
pub enum PortableError {
    #[error("the store holds nothing to export")]
    Empty,
    #[error("the store to import into holds rows already")]
    NotEmpty,
    #[error("file is no export of a store")]
    Header,
    #[error("file has store format {found}, this version reads format {FORMAT}")]
    Format { found: u32 },
    #[error("file is damaged: {0}")]
    Damaged(&'static str),
    #[error("row {number} of the file is damaged")]
    Row {
        number: u64,
        #[source]
        source: RowError,
    },
    #[error("could not read or write the file")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportReport {
    pub changelog: ChangelogId,
    pub position: Position,
    pub rows: u64,
    pub sha256: [u8; 32],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportReport {
    pub changelog: ChangelogId,
    pub position: Position,
    pub rows: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    casewright_store: u32,
    changelog: String,
    position: i64,
}

/// Writes the whole store to `out`.
pub fn export(store: &dyn Store, out: &mut dyn Write) -> Result<ExportReport, PortableError> {
    let meta = store.meta()?.ok_or(PortableError::Empty)?;
    let mut hashed = Hashed { inner: out, hasher: Sha256::new() };
    let header = Header { casewright_store: FORMAT, changelog: meta.changelog.to_string(), position: meta.position.0 };
    serde_json::to_writer(&mut hashed, &header).map_err(io::Error::from)?;
    hashed.write_all(b"\n")?;
    let rows = write_rows(store, &mut hashed)?;
    let Hashed { inner, hasher } = hashed;
    let sha256: [u8; SHA_BYTES] = hasher.finalize().into();
    inner.write_all(&sha256)?;
    inner.flush()?;
    Ok(ExportReport { changelog: meta.changelog, position: meta.position, rows, sha256 })
}

fn write_rows(store: &dyn Store, out: &mut dyn Write) -> Result<u64, PortableError> {
    let mut packed = zstd::stream::Encoder::new(out, ZSTD_LEVEL)?;
    let (mut rows, mut failed) = (0_u64, None);
    store.for_each(&mut |key, value| {
        rows += 1;
        match write_row(&mut packed, key, value) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    packed.write_all(&0_u32.to_be_bytes())?;
    packed.write_all(&rows.to_be_bytes())?;
    packed.finish()?;
    Ok(rows)
}

fn write_row(out: &mut dyn Write, key: &[u8], value: &[u8]) -> io::Result<()> {
    for bytes in [key, value] {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        out.write_all(&length.to_be_bytes())?;
        out.write_all(bytes)?;
    }
    Ok(())
}

/// Reads an export into a store that holds nothing yet. Every row is checked before it is applied; a store whose import
/// did not end well keeps its `replaying` flag, and is good for nothing but to be set aside.
pub fn import(input: &mut dyn Read, store: &dyn Store) -> Result<ImportReport, PortableError> {
    if store.meta()?.is_some() {
        return Err(PortableError::NotEmpty);
    }
    let mut body = BufReader::new(Body { inner: input, held: Vec::new(), hasher: Sha256::new() });
    let (changelog, position) = read_header(&mut body)?;
    store.set_changelog(changelog)?;
    store.begin_replay()?;
    let mut import = Import { store, codec: Codec::new(changelog), position, rows: Vec::new(), bytes: 0, number: 0 };
    let mut packed = zstd::stream::Decoder::with_buffer(&mut body)?.single_frame();
    import.read_rows(&mut packed)?;
    drop(packed);
    check_trailer(body)?;
    store.end_replay()?;
    Ok(ImportReport { changelog, position, rows: import.number })
}

fn read_header(input: &mut impl BufRead) -> Result<(ChangelogId, Position), PortableError> {
    let mut line = Vec::new();
    input.take(HEADER_BYTES_MAX).read_until(b'\n', &mut line)?;
    let header: Header = serde_json::from_slice(&line).map_err(|_| PortableError::Header)?;
    if header.casewright_store != FORMAT {
        return Err(PortableError::Format { found: header.casewright_store });
    }
    let changelog = ChangelogId::parse(&header.changelog).ok_or(PortableError::Header)?;
    Ok((changelog, Position(header.position)))
}

/// Everything before the trailer must have been read, and hash to it.
fn check_trailer(mut body: BufReader<Body<'_>>) -> Result<(), PortableError> {
    if io::copy(&mut body, &mut io::sink())? > 0 {
        return Err(PortableError::Damaged("there is more after the rows"));
    }
    let Body { inner: _, held, hasher } = body.into_inner();
    let expected: [u8; SHA_BYTES] = hasher.finalize().into();
    if held == expected { Ok(()) } else { Err(PortableError::Damaged("its SHA-256 is another")) }
}

struct Import<'s> {
    store: &'s dyn Store,
    codec: Codec,
    position: Position,
    rows: Vec<Row>,
    bytes: usize,
    number: u64,
}

impl Import<'_> {
    fn read_rows(&mut self, input: &mut impl Read) -> Result<(), PortableError> {
        loop {
            let key = read_bytes(input, KEY_BYTES_MAX)?;
            if key.is_empty() {
                break;
            }
            let value = read_bytes(input, VALUE_BYTES_MAX)?;
            self.take(key, value)?;
        }
        let mut told = [0; 8];
        input.read_exact(&mut told)?;
        // The frame ends here; reading on lets zstd check its own end.
        if u64::from_be_bytes(told) != self.number || input.read(&mut [0])? != 0 {
            return Err(PortableError::Damaged("it holds another number of rows than it says"));
        }
        self.apply()
    }

    fn take(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<(), PortableError> {
        self.number += 1;
        let number = self.number;
        self.codec.decode(&key, &value).map_err(|source| PortableError::Row { number, source })?;
        self.bytes += key.len() + value.len();
        self.rows.push(Row { key: key.into(), value: Some(value.into()) });
        if self.bytes >= BATCH_BYTES { self.apply() } else { Ok(()) }
    }

    fn apply(&mut self) -> Result<(), PortableError> {
        self.store.apply(&self.rows.iter().collect::<Vec<_>>(), self.position)?;
        self.rows.clear();
        self.bytes = 0;
        Ok(())
    }
}

fn read_bytes(input: &mut impl Read, max: usize) -> Result<Vec<u8>, PortableError> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > max {
        return Err(PortableError::Damaged("a row is longer than any row can be"));
    }
    let mut bytes = vec![0; length];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Writes through, and hashes what was written.
struct Hashed<'w> {
    inner: &'w mut dyn Write,
    hasher: Sha256,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// All of the input but its trailer, hashed as it is read. What is held back at the end is the trailer.
struct Body<'r> {
    inner: &'r mut dyn Read,
    held: Vec<u8>,
    hasher: Sha256,
}

impl Read for Body<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let wanted = SHA_BYTES + out.len();
        while self.held.len() < wanted {
            let missing = (wanted - self.held.len()) as u64;
            if (&mut *self.inner).take(missing).read_to_end(&mut self.held)? == 0 {
                break;
            }
        }
        let given = self.held.len().saturating_sub(SHA_BYTES).min(out.len());
        out[..given].copy_from_slice(&self.held[..given]);
        self.hasher.update(&out[..given]);
        self.held.drain(..given);
        Ok(given)
    }
}
