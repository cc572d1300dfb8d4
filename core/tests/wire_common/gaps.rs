//! Answers whose records are sent from where they are.

/// What goes over the wire: `out` with the records put where they belong.
pub(crate) fn fill(out: &[u8], places: &[(usize, &[u8])]) -> Vec<u8> {
    let mut sent = Vec::new();
    let mut from = 0;
    for (place, records) in places {
        sent.extend_from_slice(&out[from..*place]);
        sent.extend_from_slice(records);
        from = *place;
    }
    sent.extend_from_slice(&out[from..]);
    sent
}
