//! Paths as words of a command line.

use std::path::Path;

/// Returns a path as one word of a command line, in quotes if a shell would read it otherwise.
///
/// Use it wherever a message has a command to paste. The quotes are those of POSIX shells. A path
/// that begins with a hyphen gets `./` before it, so that no program takes it for an option.
///
/// # Example
/// ```
/// use std::path::Path;
///
/// use selfsame_files::shell_word;
///
/// assert_eq!(shell_word(Path::new("runs/first")), "runs/first");
/// assert_eq!(shell_word(Path::new("my run")), "'my run'");
/// assert_eq!(shell_word(Path::new("-out")), "./-out");
/// ```
#[must_use]
pub fn shell_word(path: &Path) -> String {
    let mut word = path.display().to_string();
    if word.starts_with('-') {
        word.insert_str(0, "./");
    }
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:=@%,".contains(letter);
    let needs_none = !word.is_empty() && word.chars().all(is_plain);
    if needs_none { word } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_split_expand_or_run_is_quoted() {
        for plain in ["runs/a_1.b-2", "/data/x", "../up", "C:/runs"] {
            assert_eq!(shell_word(Path::new(plain)), plain);
        }
        for quoted in ["my run", "a*", "$HOME", "a;b", "~/x", "été", "a\nb", "(1)", "a\"b", ""] {
            assert_eq!(shell_word(Path::new(quoted)), format!("'{quoted}'"));
        }
        assert_eq!(shell_word(Path::new("it's")), r"'it'\''s'");
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_the_word_as_the_path() {
        for path in ["my run", "it's", "a$(b)`c`\\d", "-n", "two  spaces", "new\nline"] {
            let script = format!("printf %s {}", shell_word(Path::new(path)));
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            let read = String::from_utf8(output.stdout).unwrap();
            assert_eq!(read.strip_prefix("./").unwrap_or(&read), path);
        }
    }
}
