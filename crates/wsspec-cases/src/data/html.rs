use super::dice::Dice;
use super::words::{PLACES, SKIES};

const HEAD: &str = "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<title>Weather stations – readings of March</title>
<style>
body { font: 14px/1.5 Georgia, serif; margin: 2em auto; max-width: 70em; color: #222; }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid #ddd; padding: .3em .6em; text-align: left; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
tr.late td { color: #999; }
</style>
</head>
<body>
<h1>Weather stations – readings of March</h1>
<p>Every row is one reading. Times are UTC; temperatures in °C, pressures in hPa.</p>
<table id=\"readings\">
<thead>
<tr><th>Reading</th><th>Station</th><th>Country</th><th>Time</th><th>°C</th><th>hPa</th><th>Sky</th></tr>
</thead>
<tbody>
";
const END: &str = "</tbody>\n</table>\n<!-- ";
const CLOSE: &str = "-->\n</body>\n</html>\n";

/// A page with one large table, exactly `len` octets.
pub(super) fn generate(len: usize) -> Vec<u8> {
    let mut dice = Dice::new(0x17e1);
    let mut out = HEAD.to_owned();
    for number in 0_u32.. {
        let row = row(&mut dice, number);
        if out.len() + row.len() + END.len() + CLOSE.len() > len {
            break;
        }
        out.push_str(&row);
    }
    out.push_str(END);
    let missing = len - out.len() - CLOSE.len();
    out.extend("end of readings ".chars().cycle().take(missing));
    out.push_str(CLOSE);
    out.into_bytes()
}

fn row(dice: &mut Dice, number: u32) -> String {
    let place = dice.pick(PLACES);
    let sky = dice.pick(SKIES);
    let class = if dice.one_in(12) { "reading late" } else { "reading" };
    let (hour, minute) = (number / 6 % 24, number % 6 * 10);
    let (degrees, pressure) = (dice.between(-8, 31), 1000 + dice.between(-8, 23));
    let id = 480_000 + number;
    format!(
        "<tr class=\"{class}\" id=\"r{id}\">\n\
         \x20 <td><a class=\"permalink\" href=\"/readings/{id}\" title=\"Permanent link\">{id}</a></td>\n\
         \x20 <td class=\"station\"><a href=\"/stations/{altitude}\">{name}</a></td>\n\
         \x20 <td class=\"country\">{country}</td>\n\
         \x20 <td class=\"time\"><time datetime=\"{hour:02}:{minute:02}\">{hour:02}:{minute:02}</time></td>\n\
         \x20 <td class=\"number\">{degrees}</td>\n\
         \x20 <td class=\"number\">{pressure}</td>\n\
         \x20 <td class=\"sky\">{sky}</td>\n\
         </tr>\n",
        name = place.name,
        country = place.country,
        altitude = place.altitude,
    )
}
