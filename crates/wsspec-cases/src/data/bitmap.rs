use super::dice::Dice;

/// An uncompressed picture (BMP, one octet a pixel, 256 greys) that is smooth at large, has edges, and has
/// the grain of a photograph.
pub(super) fn generate(width: usize, height: usize) -> Vec<u8> {
    let mut file = header(width, height);
    let mut grain = Dice::new(0x51ab);
    for y in (0..height as i32).rev() {
        for x in 0..width as i32 {
            let brightness = scene(x, y) + grain.between(-4, 4) + grain.between(-4, 4);
            file.push(brightness.clamp(0, 255) as u8);
        }
    }
    file
}

/// File header, image header and palette.
fn header(width: usize, height: usize) -> Vec<u8> {
    const HEADERS: usize = 14 + 40;
    const PALETTE: usize = 256 * 4;
    let pixels = width * height;
    let mut out = Vec::with_capacity(HEADERS + PALETTE + pixels);
    let mut put32 = |values: &[usize]| {
        values.iter().for_each(|value| out.extend_from_slice(&(*value as u32).to_le_bytes()));
    };
    let planes_and_depth = 1 | 8 << 16;
    put32(&[HEADERS + PALETTE + pixels, 0, HEADERS + PALETTE]);
    put32(&[40, width, height, planes_and_depth, 0, pixels, 2835, 2835, 256, 256]);
    (0..=255).for_each(|grey| out.extend_from_slice(&[grey, grey, grey, 0]));
    [b"BM".as_slice(), &out].concat()
}

/// The brightness of a point without grain: hills in the haze, a bright disc, a dark wall.
fn scene(x: i32, y: i32) -> i32 {
    let haze = noise(x, y, 7) + noise(x, y, 5) / 2 + noise(x, y, 3) / 4 + noise(x, y, 1) / 8;
    let (dx, dy) = (x - 330, y - 190);
    let ridge = 340 + noise(x, 0, 6) / 2 - noise(x, 0, 4) / 5;
    if dx * dx + dy * dy < 96 * 96 {
        150 + haze / 5 - dx / 3
    } else if x < 88 + y / 9 {
        24 + haze / 4
    } else if y > ridge {
        36 + haze / 2 - (y - ridge) / 6
    } else {
        70 + haze / 3 + y / 8
    }
}

/// Smooth noise from 0 to 255: fixed values at the corners of squares of `2^size` pixels, and between them
/// in between.
fn noise(x: i32, y: i32, size: u32) -> i32 {
    let (column, row) = (x >> size, y >> size);
    let (across, down) = (ease(x, size), ease(y, size));
    let top = mix(corner(column, row, size), corner(column + 1, row, size), across);
    let bottom = mix(corner(column, row + 1, size), corner(column + 1, row + 1, size), across);
    mix(top, bottom, down)
}

/// How far a coordinate is inside its square, from 0 to 256, slow at both ends.
fn ease(at: i32, size: u32) -> i32 {
    let t = ((at & ((1 << size) - 1)) << 8) >> size;
    (t * t * (768 - 2 * t)) >> 16
}

fn mix(from: i32, to: i32, share: i32) -> i32 {
    from + (((to - from) * share) >> 8)
}

fn corner(column: i32, row: i32, size: u32) -> i32 {
    let seed = (column as u64) << 32 ^ (row as u64) << 8 ^ u64::from(size);
    (Dice::new(seed).roll() & 0xff) as i32
}
