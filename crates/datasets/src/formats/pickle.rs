//! The part of Python's pickle that CIFAR uses. It builds values and never runs anything.
//!
//! Memory stays within a small multiple of the file. Values are moved, not copied; only small ones
//! can be recalled from the memo, up to [`MAX_RECALLED`] in all; nesting is limited.

mod value;

pub(crate) use value::Value;

/// The deepest nesting of values; CIFAR has 4.
const MAX_DEPTH: usize = 16;
/// The most bytes of a value in the memo, and of all values recalled; CIFAR recalls only names.
const MAX_REMEMBERED: usize = 1 << 10;
const MAX_RECALLED: usize = 64 << 20;

/// Reads the value in `bytes`, of protocol 0 to 5 as far as CIFAR and `NumPy` use them.
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
        let (taken, rest) = self.rest.split_at_checked(count).ok_or("it is truncated")?;
        self.rest = rest;
        Ok(taken)
    }

    fn line(&mut self) -> Result<String, String> {
        let end = self.rest.iter().position(|&byte| byte == b'\n').ok_or("it is truncated")?;
        let line = self.take(end + 1)?;
        Ok(String::from_utf8_lossy(&line[..end]).into_owned())
    }

    /// Reads a number of `count` bytes, little-endian.
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

    /// Pops all values since the last mark.
    fn since_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.marks.pop().ok_or("a mark is missing")?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    fn append(&mut self, more: Vec<Value>) -> Result<(), String> {
        let more = shallow(more)?;
        match self.stack.last_mut() {
            Some(Value::List(list)) => list.extend(more),
            _ => return Err("a value is appended to something other than a list".to_owned()),
        }
        Ok(())
    }

    fn set(&mut self, items: Vec<Value>) -> Result<(), String> {
        let Some(Value::Dict(entries)) = self.stack.last_mut() else {
            return Err("an entry is set in something other than a dictionary".to_owned());
        };
        let mut items = shallow(items)?.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            entries.push((key, value));
        }
        Ok(())
    }

    /// Runs one instruction.
    fn step(&mut self, code: u8) -> Result<(), String> {
        match code {
            0x80 => self.take(1).map(drop), // protocol
            0x95 => self.take(8).map(drop), // frame
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'N' | b'K' | b'M' | b'J' | b'I' | b'L' | 0x88..=0x8A => self.push_number(code),
            b'U' | b'C' | b'T' | b'B' | 0x8E | 0x96 => self.push_bytes(code),
            b'S' | b'V' | b'X' | 0x8C | 0x8D => self.push_text(code),
            b']' | b')' | b'l' | b't' | b'}' | b'd' | 0x85..=0x87 => self.push_collection(code),
            b'a' | b'e' | b's' | b'u' => self.extend_collection(code),
            b'c' | b'R' | b'b' | 0x81 | 0x93 => self.push_object(code),
            b'q' | b'r' | b'p' | 0x94 => self.remember(code),
            b'h' | b'j' | b'g' => self.recall(code),
            other => Err(format!("it has an instruction {other:#04x} that CIFAR does not use")),
        }
    }

    /// Pushes nothing, a boolean or a whole number.
    #[allow(clippy::cast_possible_wrap, reason = "numbers of at most four bytes")]
    fn push_number(&mut self, code: u8) -> Result<(), String> {
        let value = match code {
            b'N' => Value::None,
            0x88 => Value::Int(1),
            0x89 => Value::Int(0),
            b'K' => Value::Int(self.number(1)? as i64),
            b'M' => Value::Int(self.number(2)? as i64),
            b'J' => {
                let number = self.number(4)? as i64;
                Value::Int(if number < 1 << 31 { number } else { number - (1 << 32) })
            }
            0x8A => {
                let length = self.number(1)?;
                Value::Int(self.number(length)? as i64)
            }
            _ => {
                let line = self.line()?;
                let number = line.trim_end_matches('L').parse();
                Value::Int(number.map_err(|_| "a number has characters other than digits")?)
            }
        };
        self.push(value);
        Ok(())
    }

    /// Pushes a byte string.
    fn push_bytes(&mut self, code: u8) -> Result<(), String> {
        let length = self.number(match code {
            b'U' | b'C' => 1,
            b'T' | b'B' => 4,
            _ => 8,
        })?;
        let bytes = self.take(length)?.to_vec();
        self.push(Value::Bytes(bytes));
        Ok(())
    }

    /// Pushes a string.
    fn push_text(&mut self, code: u8) -> Result<(), String> {
        let length = match code {
            b'S' => {
                let line = self.line()?;
                self.push(Value::Text(line.trim_matches(['\'', '"']).to_owned()));
                return Ok(());
            }
            b'V' => {
                let line = self.line()?;
                self.push(Value::Text(line));
                return Ok(());
            }
            0x8C => self.number(1)?,
            b'X' => self.number(4)?,
            _ => self.number(8)?,
        };
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.push(Value::Text(text));
        Ok(())
    }

    /// Pushes a list, a tuple or a dictionary.
    fn push_collection(&mut self, code: u8) -> Result<(), String> {
        match code {
            b']' | b')' => self.push(Value::List(Vec::new())),
            b'l' | b't' => {
                let parts = self.since_mark()?;
                self.push(Value::List(shallow(parts)?));
            }
            b'}' => self.push(Value::Dict(Vec::new())),
            b'd' => {
                let items = self.since_mark()?;
                self.push(Value::Dict(Vec::new()));
                self.set(items)?;
            }
            _ => {
                // A tuple of one, two or three.
                let count = usize::from(code - 0x84);
                let start = self.stack.len().checked_sub(count).ok_or("a value is missing")?;
                let parts = self.stack.split_off(start);
                self.push(Value::List(shallow(parts)?));
            }
        }
        Ok(())
    }

    /// Extends the list or dictionary on top of the stack.
    fn extend_collection(&mut self, code: u8) -> Result<(), String> {
        match code {
            b'a' => {
                let value = self.pop()?;
                self.append(vec![value])
            }
            b'e' => {
                let values = self.since_mark()?;
                self.append(values)
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(vec![key, value])
            }
            _ => {
                let items = self.since_mark()?;
                self.set(items)
            }
        }
    }

    /// Pushes the name of a function or class, a call, or the state of an object.
    fn push_object(&mut self, code: u8) -> Result<(), String> {
        let value = match code {
            b'c' => Value::Name(format!("{} {}", self.line()?, self.line()?)),
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Value::Text(name), Value::Text(module)) = (name, module) else {
                    return Err("a name is not text".to_owned());
                };
                Value::Name(format!("{module} {name}"))
            }
            b'R' | 0x81 => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                call(&function, arguments)?
            }
            _ => {
                let (state, object) = (self.pop()?, self.pop()?);
                Value::Object(shallow(vec![object, state])?)
            }
        };
        self.push(value);
        Ok(())
    }

    /// Keeps the value on top of the stack in the memo, if it is small.
    fn remember(&mut self, code: u8) -> Result<(), String> {
        let place = if code == 0x94 { self.memo.len() } else { self.memo_place(code)? };
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

    /// Pushes a value of the memo.
    fn recall(&mut self, code: u8) -> Result<(), String> {
        let place = self.memo_place(code)?;
        let value = self.memo.get(place).cloned().flatten().ok_or("its memo has a hole")?;
        self.recalled += value.size().unwrap_or(0);
        if self.recalled > MAX_RECALLED {
            return Err("it repeats itself too often".to_owned());
        }
        self.push(value);
        Ok(())
    }

    /// Reads the place in the memo that an instruction names.
    fn memo_place(&mut self, code: u8) -> Result<usize, String> {
        match code {
            b'q' | b'h' => self.number(1),
            b'r' | b'j' => self.number(4),
            _ => self.line()?.parse().map_err(|_| "a place in its memo is not a number".to_owned()),
        }
    }
}

/// Returns the parts of another value, unless it would be nested too deeply.
fn shallow(parts: Vec<Value>) -> Result<Vec<Value>, String> {
    match parts.iter().map(Value::depth).max() {
        Some(MAX_DEPTH..) => Err("it is nested too deeply".to_owned()),
        _ => Ok(parts),
    }
}

/// Decodes text that stands for bytes; all other calls are kept as values, not run.
fn call(function: &Value, arguments: Value) -> Result<Value, String> {
    let Value::List(arguments) = arguments else {
        return Err("arguments are not a tuple".to_owned());
    };
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
