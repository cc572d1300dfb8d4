//! The macro that makes a message out of a table of its fields.

/// A struct of the protocol, with its `Default`, `Decode` and `Encode`, from a table of fields:
///
/// ```text
/// message! {
///     /// What it is.
///     pub struct Name<'a> for Metadata {
///         /// What the field is.
///         field: Type, [since..] nullable [since..] = default;
///         /// What the tagged field is.
///         tagged: Type, [since..] tag 0 = default;
///     }
/// }
/// ```
///
/// - The range in brackets says which versions carry the field; in others it is not written and
///   reads as its default: `default`, or what its type has.
/// - `nullable` says in which of these versions an `Option` may be null. In the others null is
///   refused when read and written as empty. Without it, an `Option` may always be null.
/// - `tag` makes it a tagged field, written only where it is not the default.
/// - `for Api` makes the struct the body of a request or response: it gets
///   `decode(&mut Reader, version)` and `encode(&self, &mut Writer, version)`.
macro_rules! message {
    (
        $(#[$meta:meta])*
        pub struct $name:ident $(<$lt:lifetime>)? for $api:ident { $($fields:tt)* }
    ) => {
        message! {
            $(#[$meta])*
            pub struct $name $(<$lt>)? { $($fields)* }
        }

        message!(@body $name [$($lt)?] [$(<$lt>)?] $api);
    };

    (
        $(#[$meta:meta])*
        pub struct $name:ident $(<$lt:lifetime>)? {
            $(
                $(#[$field_meta:meta])*
                $field:ident: $ty:ty,
                    $range:tt $(nullable $null:tt)? $(tag $tag:literal)? $(= $default:expr)?;
            )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name $(<$lt>)? {
            $( $(#[$field_meta])* pub $field: $ty, )*
        }

        impl $(<$lt>)? Default for $name $(<$lt>)? {
            fn default() -> Self {
                Self { $( $field: message!(@default $($default)?), )* }
            }
        }

        impl<'de $(: $lt, $lt)?> $crate::wire::kafka::field::Decode<'de> for $name $(<$lt>)? {
            fn min_len(reader: &$crate::wire::kafka::Reader<'de>) -> usize {
                let mut len = usize::from(reader.is_flexible());
                $( message!(@min_len len, reader, $ty, $range, [$($tag)?]); )*
                len
            }

            fn read_from(
                reader: &mut $crate::wire::kafka::Reader<'de>,
            ) -> Result<Self, $crate::wire::kafka::DecodeError> {
                let version = reader.version();
                let mut message = Self::default();
                $(
                    message!(
                        @read message.$field, reader, version, $range, [$($null)?], [$($tag)?]
                    );
                )*
                reader.tagged_fields(|_tag, _reader| {
                    $( $(
                        if _tag == $tag && message!(@contains $range, version) {
                            message.$field =
                                $crate::wire::kafka::field::Decode::read_from(_reader)?;
                            return Ok(true);
                        }
                    )? )*
                    Ok(false)
                })?;
                Ok(message)
            }
        }

        impl $(<$lt>)? $crate::wire::kafka::field::Encode for $name $(<$lt>)? {
            fn write_to(&self, writer: &mut $crate::wire::kafka::Writer<'_>) {
                let version = writer.version();
                $(
                    message!(
                        @write self.$field, writer, version, $range, [$($null)?], [$($tag)?]
                    );
                )*
                #[allow(unused_mut, reason = "most structs have no tagged fields")]
                let mut tagged = $crate::wire::kafka::writer::TaggedFields::default();
                $( $(
                    if message!(@contains $range, version)
                        && writer.is_flexible()
                        && self.$field != Self::default().$field
                    {
                        tagged.add(writer, $tag, |writer| {
                            $crate::wire::kafka::field::Encode::write_to(&self.$field, writer);
                        });
                    }
                )? )*
                writer.put_tagged_fields(&tagged);
            }
        }
    };

    (@body $name:ident [$($lt:lifetime)?] $generics:tt $api:ident) => {
        message!(@methods $name $generics [$($lt)? '_] $api);
    };
    (@methods $name:ident [$($generics:tt)*] [$lt:lifetime $($rest:lifetime)?] $api:ident) => {
        impl $($generics)* $name $($generics)* {
            /// Reads the body by `version`. Bytes that follow it are left alone.
            pub fn decode(
                reader: &mut $crate::wire::kafka::Reader<$lt>,
                version: i16,
            ) -> Result<Self, $crate::wire::kafka::DecodeError> {
                let api = $crate::wire::kafka::ApiKey::$api;
                if !api.accepts(version) {
                    return Err($crate::wire::kafka::DecodeError::UnsupportedVersion(api, version));
                }
                reader.set_version(api, version);
                $crate::wire::kafka::field::Decode::read_from(reader)
            }

            /// Appends the body by `version`.
            pub fn encode(&self, writer: &mut $crate::wire::kafka::Writer<'_>, version: i16) {
                writer.set_version($crate::wire::kafka::ApiKey::$api, version);
                $crate::wire::kafka::field::Encode::write_to(self, writer);
            }
        }

        impl $($generics)* $crate::wire::kafka::field::Message for $name $($generics)* {
            const API: $crate::wire::kafka::ApiKey = $crate::wire::kafka::ApiKey::$api;
        }
    };

    (@default) => { Default::default() };
    (@default $default:expr) => { $default };

    (@contains [$($range:tt)+], $version:expr) => { ($($range)+).contains(&$version) };

    (@min_len $len:ident, $reader:ident, $ty:ty, $range:tt, [$tag:literal]) => {};
    (@min_len $len:ident, $reader:ident, $ty:ty, $range:tt, []) => {
        if message!(@contains $range, $reader.version()) {
            $len += <$ty as $crate::wire::kafka::field::Decode<'de>>::min_len($reader);
        }
    };

    (@read $field:expr, $reader:ident, $version:ident, $range:tt, $null:tt, [$tag:literal]) => {};
    (@read $field:expr, $reader:ident, $version:ident, $range:tt, $null:tt, []) => {
        if message!(@contains $range, $version) {
            $field = $crate::wire::kafka::field::Decode::read_from($reader)?;
            message!(@refuse_null $field, $version, $null);
        }
    };

    (@refuse_null $field:expr, $version:ident, []) => {};
    (@refuse_null $field:expr, $version:ident, [$null:tt]) => {
        if $crate::wire::kafka::field::Encode::is_null(&$field)
            && !message!(@contains $null, $version)
        {
            return Err($crate::wire::kafka::DecodeError::UnexpectedNull);
        }
    };

    (@write $field:expr, $writer:ident, $version:ident, $range:tt, $null:tt, [$tag:literal]) => {};
    (@write $field:expr, $writer:ident, $version:ident, $range:tt, [], []) => {
        if message!(@contains $range, $version) {
            $crate::wire::kafka::field::Encode::write_to(&$field, $writer);
        }
    };
    (@write $field:expr, $writer:ident, $version:ident, $range:tt, [$null:tt], []) => {
        if message!(@contains $range, $version) {
            if message!(@contains $null, $version) {
                $crate::wire::kafka::field::Encode::write_to(&$field, $writer);
            } else {
                $crate::wire::kafka::field::Encode::write_not_null(&$field, $writer);
            }
        }
    };
}
