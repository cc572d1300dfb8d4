//! What a field of a message can be, and how each kind is read and written.

use std::borrow::Cow;

use super::ApiKey;
use super::reader::{DecodeError, Reader};
use super::writer::Writer;

/// A message of the protocol: the body of a request or of a response.
pub trait Message: Encode {
    /// The API that it belongs to.
    const API: ApiKey;
}

/// A type that can be read as a field, by the reader's version.
pub trait Decode<'de>: Sized {
    /// The fewest bytes that it takes in the reader's version.
    fn min_len(reader: &Reader<'de>) -> usize;

    /// Reads it.
    fn read_from(reader: &mut Reader<'de>) -> Result<Self, DecodeError>;
}

/// A type whose encoding has a null.
pub trait DecodeNullable<'de>: Decode<'de> {
    /// Reads it; `None` for null.
    fn read_nullable(reader: &mut Reader<'de>) -> Result<Option<Self>, DecodeError>;
}

/// A type that can be written as a field, by the writer's version.
pub trait Encode {
    /// Writes it.
    fn write_to(&self, writer: &mut Writer<'_>);

    /// Writes it in a version that does not allow null: what is null is written as empty.
    fn write_not_null(&self, writer: &mut Writer<'_>) {
        self.write_to(writer);
    }

    /// Whether it is null.
    fn is_null(&self) -> bool {
        false
    }
}

/// A type whose encoding has a null and an empty value.
pub trait EncodeNullable: Encode {
    /// Writes null, or the empty value.
    fn write_absent(writer: &mut Writer<'_>, null: bool);
}

macro_rules! number {
    ($($number:ty),*) => { $(
        impl<'de> Decode<'de> for $number {
            fn min_len(_: &Reader<'de>) -> usize {
                size_of::<$number>()
            }

            fn read_from(reader: &mut Reader<'de>) -> Result<Self, DecodeError> {
                reader.array().map(<$number>::from_be_bytes)
            }
        }

        impl Encode for $number {
            fn write_to(&self, writer: &mut Writer<'_>) {
                writer.put(&self.to_be_bytes());
            }
        }
    )* };
}

number!(i8, i16, i32, i64);

impl<'de> Decode<'de> for bool {
    fn min_len(_: &Reader<'de>) -> usize {
        1
    }

    fn read_from(reader: &mut Reader<'de>) -> Result<Self, DecodeError> {
        Ok(reader.array()? != [0])
    }
}

impl Encode for bool {
    fn write_to(&self, writer: &mut Writer<'_>) {
        writer.put(&[u8::from(*self)]);
    }
}

/// The shortest string, or, with `long`, the shortest bytes or array.
fn shortest(reader: &Reader<'_>, long: bool) -> usize {
    match (reader.is_flexible(), long) {
        (true, _) => 1,
        (false, false) => 2,
        (false, true) => 4,
    }
}

/// Text and bytes come borrowed in requests and as `Cow` in responses; all four read and write
/// alike.
macro_rules! sequence {
    ($lent:ty, $long:literal, $read:ident, $put:ident) => {
        impl<'de: 'a, 'a> Decode<'de> for &'a $lent {
            fn min_len(reader: &Reader<'de>) -> usize {
                shortest(reader, $long)
            }

            fn read_from(reader: &mut Reader<'de>) -> Result<Self, DecodeError> {
                reader.$read()?.ok_or(DecodeError::UnexpectedNull)
            }
        }

        impl<'de: 'a, 'a> DecodeNullable<'de> for &'a $lent {
            fn read_nullable(reader: &mut Reader<'de>) -> Result<Option<Self>, DecodeError> {
                reader.$read()
            }
        }

        impl<'de: 'a, 'a> Decode<'de> for Cow<'a, $lent> {
            fn min_len(reader: &Reader<'de>) -> usize {
                shortest(reader, $long)
            }

            fn read_from(reader: &mut Reader<'de>) -> Result<Self, DecodeError> {
                <&$lent>::read_from(reader).map(Cow::Borrowed)
            }
        }

        impl<'de: 'a, 'a> DecodeNullable<'de> for Cow<'a, $lent> {
            fn read_nullable(reader: &mut Reader<'de>) -> Result<Option<Self>, DecodeError> {
                Ok(reader.$read()?.map(Cow::Borrowed))
            }
        }

        impl Encode for &$lent {
            fn write_to(&self, writer: &mut Writer<'_>) {
                writer.$put(Some(self));
            }
        }

        impl EncodeNullable for &$lent {
            fn write_absent(writer: &mut Writer<'_>, null: bool) {
                writer.$put(if null { None } else { Some(Default::default()) });
            }
        }

        impl Encode for Cow<'_, $lent> {
            fn write_to(&self, writer: &mut Writer<'_>) {
                writer.$put(Some(self));
            }
        }

        impl EncodeNullable for Cow<'_, $lent> {
            fn write_absent(writer: &mut Writer<'_>, null: bool) {
                <&$lent>::write_absent(writer, null);
            }
        }
    };
}

sequence!(str, false, string, put_string);
sequence!([u8], true, bytes, put_bytes);

impl<'de, T: Decode<'de>> Decode<'de> for Vec<T> {
    fn min_len(reader: &Reader<'de>) -> usize {
        shortest(reader, true)
    }

    fn read_from(reader: &mut Reader<'de>) -> Result<Self, DecodeError> {
        Self::read_nullable(reader)?.ok_or(DecodeError::UnexpectedNull)
    }
}

impl<'de, T: Decode<'de>> DecodeNullable<'de> for Vec<T> {
    fn read_nullable(reader: &mut Reader<'de>) -> Result<Option<Self>, DecodeError> {
        let element_len = T::min_len(reader);
        let Some(count) = reader.array_count(element_len)? else {
            return Ok(None);
        };
        let mut elements = reader.reserve(count)?;
        for _ in 0..count {
            elements.push(T::read_from(reader)?);
        }
        Ok(Some(elements))
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn write_to(&self, writer: &mut Writer<'_>) {
        writer.put_long_len(Some(self.len()));
        for element in self {
            element.write_to(writer);
        }
    }
}

impl<T: Encode> EncodeNullable for Vec<T> {
    fn write_absent(writer: &mut Writer<'_>, null: bool) {
        writer.put_long_len(if null { None } else { Some(0) });
    }
}

impl<'de, T: DecodeNullable<'de>> Decode<'de> for Option<T> {
    fn min_len(reader: &Reader<'de>) -> usize {
        T::min_len(reader)
    }

    fn read_from(reader: &mut Reader<'de>) -> Result<Self, DecodeError> {
        T::read_nullable(reader)
    }
}

impl<T: EncodeNullable> Encode for Option<T> {
    fn write_to(&self, writer: &mut Writer<'_>) {
        match self {
            Some(value) => value.write_to(writer),
            None => T::write_absent(writer, true),
        }
    }

    fn write_not_null(&self, writer: &mut Writer<'_>) {
        match self {
            Some(value) => value.write_to(writer),
            None => T::write_absent(writer, false),
        }
    }

    fn is_null(&self) -> bool {
        self.is_none()
    }
}

/// A struct or null: a byte that is negative for null, and then the struct.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Nullable<T>(pub Option<T>);

impl<'de, T: Decode<'de>> Decode<'de> for Nullable<T> {
    fn min_len(_: &Reader<'de>) -> usize {
        1
    }

    fn read_from(reader: &mut Reader<'de>) -> Result<Self, DecodeError> {
        if i8::read_from(reader)? < 0 {
            return Ok(Self(None));
        }
        T::read_from(reader).map(|value| Self(Some(value)))
    }
}

impl<T: Encode> Encode for Nullable<T> {
    fn write_to(&self, writer: &mut Writer<'_>) {
        match &self.0 {
            Some(value) => {
                1_i8.write_to(writer);
                value.write_to(writer);
            }
            None => (-1_i8).write_to(writer),
        }
    }

    fn is_null(&self) -> bool {
        self.0.is_none()
    }
}
