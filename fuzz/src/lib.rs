//! Shared by the fuzz targets.

/// Cuts `octets` into pieces of these sizes, and the rest.
pub fn pieces<'a>(octets: &'a [u8], sizes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = octets;
    let mut sizes = sizes.iter();
    let mut done = false;
    std::iter::from_fn(move || {
        if done {
            return None;
        }
        let size = sizes.next().map_or(rest.len(), |&size| rest.len().min(size.into()));
        done = size == rest.len();
        let (piece, after) = rest.split_at(size);
        rest = after;
        Some(piece)
    })
}
