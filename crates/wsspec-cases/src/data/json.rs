use std::fmt::Write;

use super::dice::Dice;
use super::words::{PLACES, Place, SKIES};

/// What stands after the last reading: a note that is as long as is missing.
const END: &str = "\n  ],\n  \"note\": \"";
const CLOSE: &str = "\"\n}\n";
const FILL: &str = "Readings are provisional; gaps are filled by the office. ";

/// Readings of weather stations, indented as programs write them, exactly `len` octets.
pub(super) fn generate(len: usize) -> Vec<u8> {
    let mut dice = Dice::new(0x150a);
    let mut out =
        String::from("{\n  \"format\": \"readings/2\",\n  \"licence\": \"open\",\n  \"readings\": [");
    let mut separator = "\n";
    for number in 0_u32.. {
        let reading = reading(&mut dice, number);
        if out.len() + separator.len() + reading.len() + END.len() + CLOSE.len() > len {
            break;
        }
        out.push_str(separator);
        out.push_str(&reading);
        separator = ",\n";
    }
    out.push_str(END);
    let missing = len - out.len() - CLOSE.len();
    out.extend(FILL.chars().cycle().take(missing));
    out.push_str(CLOSE);
    out.into_bytes()
}

fn reading(dice: &mut Dice, number: u32) -> String {
    let place = dice.pick(PLACES);
    let sky = dice.pick(SKIES);
    let tenths = dice.between(-80, 310);
    let (hour, minute) = (number / 6 % 24, number % 6 * 10);
    let mut out = String::new();
    let mut line = |indent: usize, text: std::fmt::Arguments<'_>| {
        writeln!(out, "{:indent$}{text}", "").expect("a string takes everything");
    };
    line(4, format_args!("{{"));
    line(6, format_args!("\"id\": {},", 480_000 + number));
    line(6, format_args!("\"station\": {{"));
    station(&mut line, &place);
    line(6, format_args!("}},"));
    line(6, format_args!("\"taken\": \"2024-03-{:02}T{hour:02}:{minute:02}:00Z\",", number / 144 + 1));
    line(6, format_args!("\"temperature\": {{"));
    line(8, format_args!("\"value\": {}.{},", tenths / 10, tenths.abs() % 10));
    line(8, format_args!("\"unit\": \"°C\""));
    line(6, format_args!("}},"));
    line(6, format_args!("\"pressure\": {{"));
    line(8, format_args!("\"value\": {},", 1000 + dice.between(-8, 23)));
    line(8, format_args!("\"unit\": \"hPa\""));
    line(6, format_args!("}},"));
    line(6, format_args!("\"sky\": \"{sky}\","));
    line(6, format_args!("\"precipitation\": null,"));
    line(6, format_args!("\"checked\": {}", !dice.one_in(9)));
    out.push_str("    }");
    out
}

fn station(line: &mut impl FnMut(usize, std::fmt::Arguments<'_>), place: &Place) {
    line(8, format_args!("\"name\": \"{}\",", place.name));
    line(8, format_args!("\"country\": \"{}\",", place.country));
    line(8, format_args!("\"altitude\": {},", place.altitude));
    line(8, format_args!("\"instruments\": ["));
    for instrument in ["thermometer", "hygrometer", "barometer", "anemometer"] {
        line(10, format_args!("\"{instrument}\","));
    }
    line(10, format_args!("\"rain gauge\""));
    line(8, format_args!("]"));
}
