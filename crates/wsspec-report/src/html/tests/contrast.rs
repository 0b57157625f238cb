//! The colours of the style sheet (WCAG 2.2).

use super::*;

/// The relative luminance of `#rrggbb` (WCAG 2.2).
fn luminance(colour: &str) -> f64 {
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

fn contrast(a: &str, b: &str) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// The light and the dark value of a colour of the style sheet.
fn colours(name: &str) -> [&'static str; 2] {
    let line = STYLE.lines().find(|line| line.trim().starts_with(&format!("--{name}:"))).unwrap();
    let values = line.split_once("light-dark(").unwrap().1.split_once(')').unwrap().0;
    let (light, dark) = values.split_once(", ").unwrap();
    [light, dark]
}

#[test]
fn text_has_enough_contrast_in_light_and_dark() {
    let kinds = ["pass", "non-strict", "fail", "info", "na", "error", "skipped"];
    for mode in 0..2 {
        for kind in kinds {
            let text = colours(kind)[mode];
            for ground in
                [colours(&format!("{kind}-tint"))[mode], colours("page")[mode], colours("panel")[mode]]
            {
                assert!(
                    contrast(text, ground) >= 4.5,
                    "{kind} {text} on {ground}: {}",
                    contrast(text, ground)
                );
            }
            // Text and links in the colour of the page stand on the tints as well.
            for other in ["text", "link", "faint"] {
                let (text, tint) = (colours(other)[mode], colours(&format!("{kind}-tint"))[mode]);
                assert!(
                    contrast(text, tint) >= 4.5,
                    "{other} {text} on {kind} {tint}: {}",
                    contrast(text, tint)
                );
            }
        }
        for text in ["text", "faint", "link"] {
            for ground in ["page", "panel"] {
                assert!(contrast(colours(text)[mode], colours(ground)[mode]) >= 4.5, "{text} on {ground}");
            }
        }
        assert!(contrast(colours("focus")[mode], colours("page")[mode]) >= 3.0);
    }
}
