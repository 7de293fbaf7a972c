//! Images in a terminal that can show them.

use std::fmt::Write;
use std::io::IsTerminal;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use selfsame::report::Png;

use crate::terminal::Terminal;

/// Characters of one part of an image, at most, as kitty has it.
const PART: usize = 4_096;

/// The way in which a terminal takes images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// [kitty's](https://sw.kovidgoyal.net/kitty/graphics-protocol/).
    Kitty,
    /// [iTerm2's](https://iterm2.com/documentation-images.html), which `WezTerm` has, too.
    Iterm,
}

impl Protocol {
    /// Returns the protocol of the terminal that the standard output is; `None` if it is none that
    /// shows images, or only a result is wanted.
    pub(super) fn of(terminal: Terminal) -> Option<Self> {
        let shows = !terminal.json && !terminal.quiet && std::io::stdout().is_terminal();
        if shows { Self::named(|name| std::env::var(name).ok()) } else { None }
    }

    /// Returns the protocol of the terminal that the variables of the environment name.
    fn named(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let is = |name, value| variable(name).is_some_and(|found| found == value);
        if variable("TMUX").is_some() || variable("STY").is_some() {
            return None; // tmux and screen pass no images on
        }
        if is("TERM", "xterm-kitty") || variable("KITTY_WINDOW_ID").is_some() {
            return Some(Self::Kitty);
        }
        let is_like_iterm = is("TERM_PROGRAM", "iTerm.app") || is("TERM_PROGRAM", "WezTerm");
        is_like_iterm.then_some(Self::Iterm)
    }

    /// Returns the text that shows an image.
    pub(super) fn sequence(self, png: &Png) -> String {
        let bytes = png.as_bytes();
        let encoded = STANDARD.encode(bytes);
        match self {
            Self::Kitty => kitty(&encoded),
            Self::Iterm => {
                let size = bytes.len();
                format!("\x1b]1337;File=inline=1;size={size}:{encoded}\x07")
            }
        }
    }
}

/// Returns the parts of an image, all but the last of which say that more follow. `q=2` keeps the
/// terminal from answering.
fn kitty(encoded: &str) -> String {
    let mut text = String::new();
    let mut rest = encoded;
    let mut keys = "a=T,f=100,q=2,";
    loop {
        let (part, more) = rest.split_at(rest.len().min(PART));
        let is_more = u8::from(!more.is_empty());
        let _ = write!(text, "\x1b_G{keys}m={is_more};{part}\x1b\\"); // cannot fail
        if more.is_empty() {
            return text;
        }
        (rest, keys) = (more, "q=2,");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(variables: &[(&str, &str)]) -> Option<Protocol> {
        Protocol::named(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn terminals_are_known_by_their_variables() {
        assert_eq!(named(&[("TERM", "xterm-kitty")]), Some(Protocol::Kitty));
        assert_eq!(named(&[("TERM_PROGRAM", "WezTerm")]), Some(Protocol::Iterm));
        assert_eq!(named(&[("TERM", "xterm-256color")]), None);
        assert_eq!(named(&[("KITTY_WINDOW_ID", "1"), ("TMUX", "/tmp/tmux,1,0")]), None);
    }

    #[test]
    fn long_images_come_in_parts() {
        assert_eq!(kitty("QUJD"), "\x1b_Ga=T,f=100,q=2,m=0;QUJD\x1b\\");
        let text = kitty(&"A".repeat(2 * PART + 4));
        let parts: Vec<&str> = text.split("\x1b\\").collect();
        assert!(parts[0].starts_with("\x1b_Ga=T,f=100,q=2,m=1;A"), "{}", parts[0]);
        assert_eq!(parts[1].len(), "\x1b_Gq=2,m=1;".len() + PART);
        assert_eq!(parts[2..], ["\x1b_Gq=2,m=0;AAAA", ""]);
    }

    #[test]
    fn iterm_is_told_the_size_of_the_file() {
        let png = Png::encode(&image::RgbImage::new(1, 1)).unwrap();
        let text = Protocol::Iterm.sequence(&png);
        let start = format!("\x1b]1337;File=inline=1;size={}:iVBOR", png.as_bytes().len());
        assert!(text.starts_with(&start) && text.ends_with('\x07'), "{text}");
    }
}
