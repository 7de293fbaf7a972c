//! A process that is killed at any moment, also while it saves, and started again ends with the
//! same bytes as one that was never killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use selfsame_models::MethodName;
use selfsame_optim::Schedule;

use crate::run::Run;

/// A method of each kind of state: none, moving averages, queues, centers, covariances, prototypes, masks.
const METHODS: [MethodName; 7] = [
    MethodName::SimClr,
    MethodName::Byol,
    MethodName::MocoV2,
    MethodName::Dino,
    MethodName::Tico,
    MethodName::Swav,
    MethodName::Mae,
];

/// What the child process is told: the method, a colon, and its folder.
const TASK: &str = "SELFSAME_KILL_TASK";

/// Twelve epochs of three steps, saved after every second step.
fn run(method: MethodName) -> Run {
    let mut run = Run { method, every_steps: Some(2), ..Run::default() };
    run.config.epochs = 12;
    run.config.schedule = Schedule::one_cycle(0.01);
    run
}

/// Is not a test: it is what the processes run that are killed.
#[test]
#[ignore = "the process that the other test kills"]
fn child() {
    let Ok(task) = std::env::var(TASK) else { return };
    let (method, folder) = task.split_once(':').unwrap();
    let method = method.parse().unwrap();
    let left = run(method).go(Path::new(folder)).unwrap();
    fs::write(Path::new(folder).join("weights"), &left.weights).unwrap();
}

fn start(method: MethodName, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["kill::child", "--exact", "--ignored", "--test-threads=1"])
        .env(TASK, format!("{method}:{}", folder.display()))
        .env("RAYON_NUM_THREADS", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The files that must be the same.
fn results(folder: &Path) -> [Vec<u8>; 3] {
    ["weights", "epochs.csv", "steps.jsonl"].map(|name| fs::read(folder.join(name)).unwrap())
}

/// A run that is never killed: its results, and how long it takes after it has begun to save.
struct Whole {
    method: MethodName,
    results: [Vec<u8>; 3],
    takes: Duration,
}

impl Whole {
    fn of(method: MethodName) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let started = Instant::now();
        assert!(start(method, folder.path()).wait().unwrap().success(), "{method}");
        Self { method, results: results(folder.path()), takes: started.elapsed() }
    }
}

/// A generator of delays (`SplitMix64`), so that a seed repeats a test as far as a clock allows.
struct Delays(u64);

impl Delays {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }
}

/// The kills of one run, from its start to its end.
#[derive(Default)]
struct Kills {
    all: usize,
    while_saving: usize,
}

/// Starts a run, kills it up to `most` times, and compares what it leaves.
fn kill_and_compare(whole: &Whole, most: usize, delays: &mut Delays) -> Kills {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint: PathBuf = folder.path().join("checkpoint");
    let is_saving = || checkpoint.join(".draft").exists();
    let mut kills = Kills::default();
    loop {
        let mut child = start(whole.method, folder.path());
        if kills.all >= most {
            assert!(child.wait().unwrap().success(), "{}: it cannot be resumed", whole.method);
            break;
        }
        let aims_at_saving = delays.next().is_multiple_of(2);
        let share = (delays.next() % 1_000) as f64 / 1_000.0;
        let until = Instant::now() + whole.takes.mul_f64(share);
        let ended = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            let now = Instant::now();
            if now >= until && (!aims_at_saving || is_saving() || now >= until + whole.takes) {
                break None;
            }
            if !aims_at_saving {
                std::thread::sleep(Duration::from_micros(200));
            }
        };
        if let Some(status) = ended {
            assert!(status.success(), "{}: it cannot be resumed", whole.method);
            break;
        }
        child.kill().unwrap(); // SIGKILL on Unix
        child.wait().unwrap();
        kills.all += 1;
        kills.while_saving += usize::from(is_saving());
    }
    let found = results(folder.path());
    for ((found, want), name) in
        found.iter().zip(&whole.results).zip(["weights", "epochs", "steps"])
    {
        assert!(found == want, "{}: other {name} after {} kills", whole.method, kills.all);
    }
    kills
}

/// Only Unix has a limit of the size of files, which stands in for a full disk.
#[cfg(unix)]
#[test]
fn a_checkpoint_that_does_not_fit_leaves_the_one_before_and_says_how_much_it_needs() {
    let whole = Whole::of(MethodName::SimClr);
    let folder = tempfile::tempdir().unwrap();
    let draft = folder.path().join("checkpoint/.draft");
    // The first checkpoints fit, the history does not matter; then the disk is full.
    let _ = Run { stop_after: 4, ..run(MethodName::SimClr) }.go(folder.path()).unwrap();
    let shell = "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"";
    let output = Command::new("sh")
        .args(["-c", shell])
        .arg(std::env::current_exe().unwrap())
        .args(["kill::child", "--exact", "--ignored", "--test-threads=1", "--nocapture"])
        .env(TASK, format!("{}:{}", MethodName::SimClr, folder.path().display()))
        .env("RAYON_NUM_THREADS", "1")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("NoRoom"), "{said}");
    assert!(!draft.exists(), "half of a checkpoint takes no room");
    assert!(folder.path().join("checkpoint/step-4").is_dir());
    assert!(start(MethodName::SimClr, folder.path()).wait().unwrap().success());
    assert!(results(folder.path()) == whole.results, "resumed with room, it ends the same");
}

/// 35 kills by default; `SELFSAME_KILLS=1000` and `SELFSAME_KILL_SEED=1` ask for others.
#[test]
fn a_process_killed_at_any_moment_and_resumed_leaves_the_same_bytes() {
    let number = |name: &str, default: usize| {
        std::env::var(name).map_or(default, |text| text.parse().unwrap())
    };
    let wanted = number("SELFSAME_KILLS", 35);
    let mut delays = Delays(number("SELFSAME_KILL_SEED", 0) as u64);
    let wholes = METHODS.map(Whole::of);
    let mut all = METHODS.map(|_| Kills::default());
    println!("method,kills,while saving,same bytes");
    while all.iter().map(|kills| kills.all).sum::<usize>() < wanted {
        for (whole, all) in wholes.iter().zip(&mut all) {
            let kills = kill_and_compare(whole, 5, &mut delays);
            all.all += kills.all;
            all.while_saving += kills.while_saving;
        }
    }
    for (method, kills) in METHODS.iter().zip(&all) {
        println!("{method},{},{},yes", kills.all, kills.while_saving);
    }
}
