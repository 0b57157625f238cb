use super::dice::Dice;
use super::words::{ADJECTIVES, NOUNS};

/// A document in the outer form of PDF: numbered objects, streams of pages and fonts, a table of where each
/// object begins. Most streams are incompressible, as compressed ones are; exactly `len` octets.
pub(super) fn generate(len: usize) -> Vec<u8> {
    let mut dice = Dice::new(0xd0c5);
    let mut out = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut offsets = Vec::new();
    loop {
        let object = object(&mut dice, offsets.len() + 1);
        let table = (offsets.len() + 2) * 20 + 200;
        if out.len() + object.len() + table > len {
            break;
        }
        offsets.push(out.len());
        out.extend_from_slice(&object);
    }
    let start = out.len();
    out.extend_from_slice(table(&offsets).as_bytes());
    let end = format!("startxref\n{start}\n%%EOF\n");
    let missing = len - out.len() - end.len();
    out.extend(b"%".iter().chain([b' '].iter().cycle()).take(missing - 1));
    out.push(b'\n');
    out.extend_from_slice(end.as_bytes());
    out
}

/// One object: one in six is text as it is, the others are compressed.
fn object(dice: &mut Dice, number: usize) -> Vec<u8> {
    let (filter, stream) =
        if dice.one_in(6) { ("", page(dice)) } else { (" /Filter /FlateDecode", compressed(dice)) };
    let head = format!("{number} 0 obj\n<< /Length {}{filter} >>\nstream\n", stream.len());
    [head.as_bytes(), &stream, b"\nendstream\nendobj\n"].concat()
}

/// Words shown at positions.
fn page(dice: &mut Dice) -> Vec<u8> {
    let mut text = String::from("BT\n/F1 10.9 Tf\n");
    for line in 0..dice.between(60, 120) {
        let (x, y) = (72 + dice.between(0, 40), 740 - line * 6);
        text.push_str(&format!("1 0 0 1 {x}.{} {y}.{} Tm\n[", dice.below(100), dice.below(100)));
        for _ in 0..dice.between(5, 9) {
            let (first, second) = (dice.pick(ADJECTIVES), dice.pick(NOUNS).1);
            text.push_str(&format!(
                "({first}){}({second}){}",
                -dice.between(200, 399),
                -dice.between(200, 399)
            ));
        }
        text.push_str("] TJ\n");
    }
    text.push_str("ET");
    text.into_bytes()
}

fn compressed(dice: &mut Dice) -> Vec<u8> {
    let words = dice.between(300, 900);
    (0..words).flat_map(|_| dice.roll().to_le_bytes()).collect()
}

/// Where each object begins, in lines of twenty octets.
fn table(offsets: &[usize]) -> String {
    let count = offsets.len() + 1;
    let mut table = format!("xref\n0 {count}\n0000000000 65535 f \n");
    for offset in offsets {
        table.push_str(&format!("{offset:010} 00000 n \n"));
    }
    table + &format!("trailer\n<< /Size {count} /Root 1 0 R >>\n")
}
