//! A batch of records as they came: every byte in one arena, nothing allocated per record. Decoders borrow from it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rdkafka::message::{BorrowedMessage, Headers as _, Message};

/// More bytes than this are not gathered in one batch, however many records are still allowed.
pub const BATCH_BYTES_MAX: usize = 64 << 20;

#[derive(Debug, Default)]
pub struct RawBatch {
    arena: Vec<u8>,
    pub records: Vec<RawRecord>,
    /// Indexes of the assigned partitions that stand at their end, all of them, after the last poll.
    pub at_end: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
pub struct RawRecord {
    /// Index into the list that the reader was assigned.
    pub source: u32,
    pub offset: i64,
    /// Milliseconds; `None` where the record has none.
    pub timestamp: Option<i64>,
    /// The headers had a name that is not UTF-8; none of them can be read.
    pub headers_unreadable: bool,
    payload: Option<Span>,
    headers: Span,
}

#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: usize,
    len: usize,
}

impl RawBatch {
    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.records.clear();
        self.at_end.clear();
    }

    /// Of the memory that it keeps, filled or not.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.arena.capacity()
    }

    #[must_use]
    pub fn bytes(&self) -> usize {
        self.arena.len()
    }

    /// `None` is a tombstone.
    #[must_use]
    pub fn payload(&self, record: &RawRecord) -> Option<&[u8]> {
        record.payload.map(|span| self.slice(span))
    }

    /// Name and value in the order they were sent; a null value reads as an empty one.
    #[must_use]
    pub fn headers(&self, record: &RawRecord) -> Headers<'_> {
        Headers { rest: self.slice(record.headers) }
    }

    /// Adds a record by hand: for feeds that are not Kafka, and tests.
    pub fn push(
        &mut self,
        source: u32,
        offset: i64,
        timestamp: Option<i64>,
        payload: Option<&[u8]>,
        headers: &[(&str, &[u8])],
    ) {
        let payload = payload.map(|bytes| self.keep(bytes));
        let start = self.arena.len();
        for (name, value) in headers {
            self.keep_header(name, value);
        }
        let headers = Span { start, len: self.arena.len() - start };
        self.records.push(RawRecord { source, offset, timestamp, headers_unreadable: false, payload, headers });
    }

    pub(super) fn push_message(&mut self, source: u32, message: &BorrowedMessage<'_>) {
        let payload = message.payload().map(|bytes| self.keep(bytes));
        let start = self.arena.len();
        let headers_unreadable = !self.keep_headers(message);
        let headers = Span { start, len: self.arena.len() - start };
        let (offset, timestamp) = (message.offset(), message.timestamp().to_millis());
        self.records.push(RawRecord { source, offset, timestamp, headers_unreadable, payload, headers });
    }

    /// False if they cannot be read. The binding panics on a header name that is not UTF-8; one hostile record must
    /// not end the process.
    fn keep_headers(&mut self, message: &BorrowedMessage<'_>) -> bool {
        let Some(headers) = message.headers() else {
            return true;
        };
        let start = self.arena.len();
        let read = catch_unwind(AssertUnwindSafe(|| {
            for header in headers.iter() {
                self.keep_header(header.key, header.value.unwrap_or_default());
            }
        }));
        if read.is_err() {
            self.arena.truncate(start);
        }
        read.is_ok()
    }

    fn keep_header(&mut self, name: &str, value: &[u8]) {
        for part in [name.as_bytes(), value] {
            self.arena.extend_from_slice(&part.len().to_le_bytes());
            self.arena.extend_from_slice(part);
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> Span {
        let start = self.arena.len();
        self.arena.extend_from_slice(bytes);
        Span { start, len: bytes.len() }
    }

    fn slice(&self, span: Span) -> &[u8] {
        &self.arena[span.start..span.start + span.len]
    }
}

/// The headers of one record.
#[derive(Clone, Debug)]
pub struct Headers<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let name = take(&mut self.rest)?;
        let value = take(&mut self.rest)?;
        Some((std::str::from_utf8(name).ok()?, value))
    }
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, after) = rest.split_first_chunk()?;
    let (part, after) = after.split_at_checked(usize::from_le_bytes(*len))?;
    *rest = after;
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back_as_they_were_pushed() {
        let mut batch = RawBatch::default();
        batch.push(3, 10, Some(5), Some(b"one"), &[("tenant", b"acme"), ("empty", b"")]);
        batch.push(4, 11, None, None, &[]);
        batch.push(3, 12, None, Some(b""), &[("tenant", b"beta")]);
        let payloads: Vec<_> = batch.records.iter().map(|record| batch.payload(record)).collect();
        assert_eq!(payloads, [Some(&b"one"[..]), None, Some(&b""[..])]);
        let headers: Vec<_> = batch.headers(&batch.records[0]).collect();
        assert_eq!(headers, [("tenant", &b"acme"[..]), ("empty", &b""[..])]);
        assert_eq!(batch.headers(&batch.records[1]).count(), 0);
        assert_eq!(batch.headers(&batch.records[2]).next(), Some(("tenant", &b"beta"[..])));
    }
}
