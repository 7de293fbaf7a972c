//! The memory that a program keeps from one step to the next.

use std::ffi::OsStr;

/// The variable that GNU's C library reads its settings from when a program starts.
const VARIABLE: &str = "GLIBC_TUNABLES";
/// Large pages, blocks below 2 GiB from memory that is kept, and up to 8 GiB of it.
const TUNABLES: &str = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=2147483648:\
                        glibc.malloc.trim_threshold=8589934592:glibc.malloc.top_pad=67108864";

/// Makes the program keep the memory that it frees, in large pages, by restarting it once.
///
/// A training step frees all the memory that it takes. GNU's C library returns large blocks to the
/// system, and so takes them anew, page by page, in the next step. Its [tunables] let it keep them, in
/// pages of 2 MiB where the system has such: the steps of a convolutional network are about a tenth
/// faster on a quiet machine, and a fifth on a busy one. The results are the same bytes.
///
/// The library reads the tunables only when a program starts. This function therefore runs the
/// program again (`exec`), in the same process and with the same arguments. Call it first thing in `main`,
/// before anything is written and before a thread starts.
///
/// It returns without any effect if the environment variable `GLIBC_TUNABLES` is set, even to nothing;
/// on any system but Linux with GNU's C library; and if the program cannot be restarted.
///
/// [tunables]: https://sourceware.org/glibc/manual/latest/html_node/Memory-Allocation-Tunables.html
///
/// # Example
/// ```no_run
/// selfsame_device::keep_memory();
/// selfsame_device::compute_on_this_thread();
/// // train
/// ```
pub fn keep_memory() {
    if let Some(tunables) = tunables(std::env::var_os(VARIABLE).as_deref()) {
        restart(tunables);
    }
}

/// Returns what to set the variable to, unless it is set.
fn tunables(set: Option<&OsStr>) -> Option<&'static str> {
    let is_gnu = cfg!(all(target_os = "linux", target_env = "gnu"));
    (is_gnu && set.is_none()).then_some(TUNABLES)
}

#[cfg(unix)]
fn restart(tunables: &str) {
    use std::os::unix::process::CommandExt;

    let Ok(program) = std::env::current_exe() else { return };
    let mut arguments = std::env::args_os();
    let mut command = std::process::Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    // It returns only if it has failed, and then the program goes on as it is.
    drop(command.args(arguments).env(VARIABLE, tunables).exec());
}

#[cfg(not(unix))]
fn restart(_: &str) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_user_has_set_stays() {
        assert_eq!(tunables(Some(OsStr::new("glibc.malloc.hugetlb=0"))), None);
        assert_eq!(tunables(Some(OsStr::new(""))), None);
        assert_eq!(tunables(Some(OsStr::new(TUNABLES))), None, "it restarts only once");
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn a_program_restarts_once_with_its_arguments() {
        const CHILD: &str = "SELFSAME_RESTARTED";
        const NAME: &str = "memory::tests::a_program_restarts_once_with_its_arguments";
        if std::env::var_os(CHILD).is_some() {
            keep_memory();
            assert_eq!(std::env::var(VARIABLE).as_deref(), Ok(TUNABLES));
            return;
        }
        // This test again, in a process of its own; if its arguments were lost, all tests would run.
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        let child = child.args(["--exact", NAME]).env(CHILD, "1").env_remove(VARIABLE);
        let output = child.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains(" 1 passed"), "{said}");
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn each_tunable_is_a_name_of_the_library_and_a_number() {
        let text = tunables(None).unwrap();
        for tunable in text.split(':') {
            let (name, value) = tunable.split_once('=').unwrap();
            assert!(name.starts_with("glibc.malloc."), "{name}");
            assert!(value.parse::<u64>().is_ok(), "{value}");
        }
    }
}
