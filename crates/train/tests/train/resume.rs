//! A run that is stopped anywhere and resumed ends with the same bytes as one that was not.

use selfsame_callbacks::StopReason;
use selfsame_models::MethodName;

use crate::run::{Run, assert_same, bytes};

#[test]
fn a_run_of_any_method_stopped_after_any_step_and_resumed_has_the_same_bytes() {
    for &method in MethodName::ALL {
        let run = Run { method, ..Run::default() };
        let folder = tempfile::tempdir().unwrap();
        let whole = run.go(folder.path()).unwrap();
        assert_eq!((whole.step, whole.epochs, whole.stopped.clone()), (6, 2, None), "{method}");
        let want = bytes(folder.path(), &whole);

        for stop_after in 1..6 {
            let folder = tempfile::tempdir().unwrap();
            let stopped = Run { threads: 2, stop_after, ..run.clone() }.go(folder.path()).unwrap();
            let why = StopReason::Callback("the test wants it".to_owned());
            assert_eq!((stopped.stopped, stopped.step), (Some(why), stop_after));
            let resumed = Run { threads: 3, ..run.clone() }.go(folder.path()).unwrap();
            assert_eq!(resumed.step, 6);
            let what = format!("{method} stopped after step {stop_after}");
            assert_same(&bytes(folder.path(), &resumed), &want, &what);
        }
    }
}

#[test]
fn reading_seldom_changes_no_byte_and_stops_later() {
    let [whole, seldom, stopped] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let run = Run::default();
    let want = bytes(whole.path(), &run.go(whole.path()).unwrap());
    let left = Run { sync_every: 2, ..run.clone() }.go(seldom.path()).unwrap();
    assert_same(&bytes(seldom.path(), &left), &want, "every second step read");

    // Asked to stop in step 1, which is read with step 2.
    let left = Run { stop_after: 1, sync_every: 2, ..run.clone() }.go(stopped.path()).unwrap();
    assert_eq!(left.step, 2);
    let left = Run { sync_every: 5, ..run }.go(stopped.path()).unwrap();
    assert_same(&bytes(stopped.path(), &left), &want, "every fifth step read");
}
