//! Row version 1, as postcard writes it. These structs are frozen: a change of a row's shape is a `v2` beside them, and
//! a fixture in the tests keeps this one readable. They borrow, so that encoding copies only into the output and
//! decoding only into the model. Enums are stored by their place in `ALL`, which a test pins.

pub mod alert;
pub mod batch;
pub mod codes;
mod learned;
pub mod part;
pub mod state;
pub mod steps;

use serde::{Deserialize, Serialize};

use super::codec::RowError;

pub fn write<T: Serialize>(value: &T, out: &mut Vec<u8>) {
    // Writing into memory cannot fail, and no struct here holds a sequence of unknown length.
    postcard::serialize_with_flavor(value, Flavor(out)).expect("a row can be encoded");
}

/// Reads a value that fills `body` to its last byte.
pub fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, RowError> {
    match postcard::take_from_bytes(body)? {
        (value, []) => Ok(value),
        (_, _) => Err(RowError::Body(postcard::Error::DeserializeBadEncoding)),
    }
}

/// Appends to bytes that already hold something, a slice at a time.
struct Flavor<'o>(&'o mut Vec<u8>);

impl postcard::ser_flavors::Flavor for Flavor<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
