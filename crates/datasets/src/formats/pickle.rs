//! As much of Python's pickle as CIFAR needs: it builds values and never runs anything.
//!
//! Memory stays within a small multiple of the file: values are moved, not copied, only small ones
//! can be recalled from the memo, as often as [`MAX_RECALLED`] allows, and nesting is limited.

/// Values within values; CIFAR has 4.
const MAX_DEPTH: usize = 16;
/// Bytes of a value that can be recalled, and of all that are; what CIFAR recalls are names.
const MAX_REMEMBERED: usize = 1 << 10;
const MAX_RECALLED: usize = 64 << 20;

/// What a pickle can hold here.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    None,
    Int(i64),
    Bytes(Vec<u8>),
    Text(String),
    List(Vec<Self>),
    Dict(Vec<(Self, Self)>),
    /// The name of a Python function or class.
    Name(String),
    /// What a function would make of its arguments, and the state it would be given.
    Object(Vec<Self>),
}

impl Value {
    /// The entry of a dictionary, under a key that is text or bytes.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Dict(entries) = self else { return None };
        let same = |name: &Self| match name {
            Self::Text(name) => name == key,
            Self::Bytes(name) => name == key.as_bytes(),
            _ => false,
        };
        entries.iter().find(|(name, _)| same(name)).map(|(_, value)| value)
    }

    /// The text of a string or of a byte string.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        }
    }

    /// How many values lie within one another, this one included.
    fn depth(&self) -> usize {
        let deepest = match self {
            Self::List(parts) | Self::Object(parts) => parts.iter().map(Self::depth).max(),
            Self::Dict(entries) => {
                entries.iter().map(|(key, value)| key.depth().max(value.depth())).max()
            }
            _ => None,
        };
        1 + deepest.unwrap_or(0)
    }

    /// About the bytes it takes in memory, if nothing lies within it.
    fn size(&self) -> Option<usize> {
        let content = match self {
            Self::None | Self::Int(_) => 0,
            Self::Bytes(bytes) => bytes.len(),
            Self::Text(text) | Self::Name(text) => text.len(),
            Self::List(_) | Self::Dict(_) | Self::Object(_) => return None,
        };
        Some(size_of::<Self>() + content)
    }

    /// The bytes of a byte string or of an array: the longest there are inside.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::List(parts) | Self::Object(parts) => {
                parts.iter().filter_map(Self::bytes).max_by_key(|bytes| bytes.len())
            }
            _ => None,
        }
    }
}

/// The value that `bytes` describe, in protocol 0 to 5 as far as CIFAR and numpy use them.
pub(crate) fn load(bytes: &[u8]) -> Result<Value, String> {
    let (stack, marks, memo) = (Vec::new(), Vec::new(), Vec::new());
    let mut machine = Machine { rest: bytes, stack, marks, memo, recalled: 0 };
    loop {
        let code = machine.take(1)?[0];
        if code == b'.' {
            return machine.pop();
        }
        machine.step(code)?;
    }
}

struct Machine<'a> {
    rest: &'a [u8],
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: Vec<Option<Value>>,
    /// Bytes of values recalled so far.
    recalled: usize,
}

impl<'a> Machine<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or("it is cut off")?;
        self.rest = rest;
        Ok(taken)
    }

    fn line(&mut self) -> Result<String, String> {
        let end = self.rest.iter().position(|&byte| byte == b'\n').ok_or("it is cut off")?;
        let line = self.take(end + 1)?;
        Ok(String::from_utf8_lossy(&line[..end]).into_owned())
    }

    /// A number of `count` bytes, the lowest first.
    fn number(&mut self, count: usize) -> Result<usize, String> {
        let bytes = self.take(count)?;
        let number = bytes
            .iter()
            .rev()
            .try_fold(0_usize, |sum, byte| Some(sum.checked_mul(256)? + usize::from(*byte)));
        number.ok_or_else(|| "a length is out of range".to_owned())
    }

    fn pop(&mut self) -> Result<Value, String> {
        self.stack.pop().ok_or_else(|| "a value is missing".to_owned())
    }

    /// Everything since the last mark.
    fn since_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.marks.pop().ok_or("a mark is missing")?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    fn remember(&mut self, place: usize) -> Result<(), String> {
        if place > 100_000 {
            return Err("its memo is out of range".to_owned());
        }
        if self.memo.len() <= place {
            self.memo.resize(place + 1, None);
        }
        // Arrays and lists are never looked up; a copy of them would be a waste.
        let small = |value: &&Value| value.size().is_some_and(|size| size <= MAX_REMEMBERED);
        self.memo[place] = self.stack.last().filter(small).cloned();
        Ok(())
    }

    fn recall(&mut self, place: usize) -> Result<(), String> {
        let value = self.memo.get(place).cloned().flatten().ok_or("its memo has a hole")?;
        self.recalled += value.size().unwrap_or(0);
        if self.recalled > MAX_RECALLED {
            return Err("it repeats itself too often".to_owned());
        }
        self.push(value);
        Ok(())
    }

    fn text(&mut self, length: usize) -> Result<(), String> {
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.push(Value::Text(text));
        Ok(())
    }

    fn bytes(&mut self, length: usize) -> Result<(), String> {
        let bytes = self.take(length)?.to_vec();
        self.push(Value::Bytes(bytes));
        Ok(())
    }

    fn tuple(&mut self, count: usize) -> Result<(), String> {
        let start = self.stack.len().checked_sub(count).ok_or("a value is missing")?;
        let parts = self.stack.split_off(start);
        self.push(Value::List(shallow(parts)?));
        Ok(())
    }

    fn append(&mut self, more: Vec<Value>) -> Result<(), String> {
        let more = shallow(more)?;
        match self.stack.last_mut() {
            Some(Value::List(list)) => list.extend(more),
            _ => return Err("something is added to what is no list".to_owned()),
        }
        Ok(())
    }

    fn set(&mut self, items: Vec<Value>) -> Result<(), String> {
        let Some(Value::Dict(entries)) = self.stack.last_mut() else {
            return Err("something is entered into what is no dictionary".to_owned());
        };
        let mut items = shallow(items)?.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            entries.push((key, value));
        }
        Ok(())
    }

    #[allow(clippy::cast_possible_wrap, reason = "numbers of at most four bytes")]
    #[allow(clippy::too_many_lines, reason = "an arm per instruction")]
    fn step(&mut self, code: u8) -> Result<(), String> {
        match code {
            0x80 => drop(self.take(1)?), // protocol
            0x95 => drop(self.take(8)?), // frame
            b'(' => self.marks.push(self.stack.len()),
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Int(1)),
            0x89 => self.push(Value::Int(0)),
            b'K' => {
                let number = self.number(1)?;
                self.push(Value::Int(number as i64));
            }
            b'M' => {
                let number = self.number(2)?;
                self.push(Value::Int(number as i64));
            }
            b'J' => {
                let number = self.number(4)? as i64;
                self.push(Value::Int(if number < 1 << 31 { number } else { number - (1 << 32) }));
            }
            0x8A => {
                let length = self.number(1)?;
                let number = self.number(length)?;
                self.push(Value::Int(number as i64));
            }
            b'I' | b'L' => {
                let line = self.line()?;
                let number = line.trim_end_matches('L').parse().map_err(|_| "a number is none")?;
                self.push(Value::Int(number));
            }
            b'U' | b'C' => {
                let length = self.number(1)?;
                self.bytes(length)?;
            }
            b'T' | b'B' => {
                let length = self.number(4)?;
                self.bytes(length)?;
            }
            0x8E | 0x96 => {
                let length = self.number(8)?;
                self.bytes(length)?;
            }
            b'S' => {
                let line = self.line()?;
                self.push(Value::Text(line.trim_matches(['\'', '"']).to_owned()));
            }
            b'V' => {
                let line = self.line()?;
                self.push(Value::Text(line));
            }
            0x8C => {
                let length = self.number(1)?;
                self.text(length)?;
            }
            b'X' => {
                let length = self.number(4)?;
                self.text(length)?;
            }
            0x8D => {
                let length = self.number(8)?;
                self.text(length)?;
            }
            b']' | b')' => self.push(Value::List(Vec::new())),
            b'l' | b't' => {
                let parts = self.since_mark()?;
                self.push(Value::List(shallow(parts)?));
            }
            0x85..=0x87 => self.tuple(usize::from(code - 0x84))?,
            b'}' => self.push(Value::Dict(Vec::new())),
            b'd' => {
                let items = self.since_mark()?;
                self.push(Value::Dict(Vec::new()));
                self.set(items)?;
            }
            b'a' => {
                let value = self.pop()?;
                self.append(vec![value])?;
            }
            b'e' => {
                let values = self.since_mark()?;
                self.append(values)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(vec![key, value])?;
            }
            b'u' => {
                let items = self.since_mark()?;
                self.set(items)?;
            }
            b'c' => {
                let name = format!("{} {}", self.line()?, self.line()?);
                self.push(Value::Name(name));
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Value::Text(name), Value::Text(module)) = (name, module) else {
                    return Err("a name is no text".to_owned());
                };
                self.push(Value::Name(format!("{module} {name}")));
            }
            b'R' | 0x81 => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                let made = made_by(&function, arguments)?;
                self.push(made);
            }
            b'b' => {
                let state = self.pop()?;
                let object = self.pop()?;
                self.push(Value::Object(shallow(vec![object, state])?));
            }
            b'q' => {
                let place = self.number(1)?;
                self.remember(place)?;
            }
            b'r' => {
                let place = self.number(4)?;
                self.remember(place)?;
            }
            b'p' => {
                let place = self.line()?.parse().map_err(|_| "a place is no number")?;
                self.remember(place)?;
            }
            0x94 => self.remember(self.memo.len())?,
            b'h' => {
                let place = self.number(1)?;
                self.recall(place)?;
            }
            b'j' => {
                let place = self.number(4)?;
                self.recall(place)?;
            }
            b'g' => {
                let place = self.line()?.parse().map_err(|_| "a place is no number")?;
                self.recall(place)?;
            }
            other => return Err(format!("it has an instruction {other:#04x} that CIFAR has not")),
        }
        Ok(())
    }
}

/// What is put into another value, unless that would be too deep.
fn shallow(parts: Vec<Value>) -> Result<Vec<Value>, String> {
    match parts.iter().map(Value::depth).max() {
        Some(MAX_DEPTH..) => Err("it is nested too deeply".to_owned()),
        _ => Ok(parts),
    }
}

/// Text that stands for bytes becomes bytes; all else is kept as it is, not called.
fn made_by(function: &Value, arguments: Value) -> Result<Value, String> {
    let Value::List(arguments) = arguments else { return Err("arguments are no tuple".to_owned()) };
    match (function, arguments.first()) {
        (Value::Name(name), Some(Value::Text(text))) if name == "_codecs encode" => {
            let bytes: Result<Vec<u8>, _> =
                text.chars().map(|c| u8::try_from(u32::from(c))).collect();
            Ok(Value::Bytes(bytes.map_err(|_| "bytes are out of range")?))
        }
        _ => Ok(Value::Object(arguments)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dictionary_of_python_2_is_read() {
        // pickle.dumps({'labels': [6, 300], 'data': 'abc'}, 2) of Python 2.7
        let bytes =
            b"\x80\x02}q\x00(U\x06labelsq\x01]q\x02(K\x06M\x2c\x01eU\x04dataq\x03U\x03abcq\x04u.";
        let value = load(bytes).unwrap();
        assert_eq!(value.get("labels"), Some(&Value::List(vec![Value::Int(6), Value::Int(300)])));
        assert_eq!(value.get("data").unwrap().bytes(), Some(&b"abc"[..]));
    }

    #[test]
    fn bytes_as_python_3_writes_them_in_protocol_2_are_read() {
        // pickle.dumps({b'data': b'\xff\x01'}, 2) of Python 3
        let bytes = b"\x80\x02}q\x00c_codecs\nencode\nq\x01X\x04\x00\x00\x00dataq\x02X\x06\x00\x00\x00\
                      latin1q\x03\x86q\x04Rq\x05h\x01X\x03\x00\x00\x00\xc3\xbf\x01q\x06h\x03\x86q\x07Rq\x08s.";
        let value = load(bytes).unwrap();
        assert_eq!(value.get("data").unwrap().bytes(), Some(&[255, 1][..]));
    }

    #[test]
    fn nesting_and_repetition_are_limited() {
        let nested = [&[b']'][..], &vec![0x85; 1 << 20], b"."].concat();
        assert!(load(&nested).unwrap_err().contains("nested"));
        let nested = [vec![b']'; 1 << 20], vec![b'a'; (1 << 20) - 1], vec![b'.']].concat();
        assert!(load(&nested).unwrap_err().contains("nested"));
        // A list that holds itself twice, again and again, would double with every four bytes.
        let doubled = [&b"]q\x00"[..], &b"(h\x00h\x00tq\x00".repeat(60), b"."].concat();
        assert!(load(&doubled).is_err());
        let text = [b"X\xE8\x03\x00\x00", &[b'a'; 1_000][..], b"q\x00"].concat();
        let repeated = [&text[..], &b"h\x00".repeat(1 << 20), b"."].concat();
        assert!(load(&repeated).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = load(&bytes);
        }
    }
}
