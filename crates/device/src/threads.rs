//! The threads that compute on the CPU.

/// Adds the calling thread to the threads that compute on the CPU.
///
/// Kernels, losses and metrics compute on a pool of threads. Without this call, the caller sleeps
/// and is woken at every operator: on two cores, a step of a small network takes a tenth longer.
/// Call it once, first thing in `main`, from the thread that will train. It changes nothing if the
/// pool has been used before, or if it has only one thread, which must stay free for others. The
/// results are the same bytes either way.
///
/// The pool has as many threads as `RAYON_NUM_THREADS` says, or as the machine has cores.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
///
/// selfsame_device::compute_on_this_thread();
/// let ones = Tensor::<2>::ones([8, 8], &Device::flex());
/// assert_eq!(ones.clone().matmul(ones).sum().into_scalar::<f32>(), 512.0);
/// ```
pub fn compute_on_this_thread() {
    let wanted = std::env::var("RAYON_NUM_THREADS").ok().and_then(|number| number.parse().ok());
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = wanted.filter(|&number| number > 0).unwrap_or_else(cores);
    if threads > 1 {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread();
        // An error means that the pool has been used before.
        drop(pool.build_global());
    }
}
