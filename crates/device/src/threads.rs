//! Which threads compute on the CPU.

/// Makes the calling thread one of those that kernels, losses and metrics compute with on the CPU.
///
/// Without this they compute on threads of their own, and the caller is put to sleep and woken at
/// every operator: on two cores, a step of a small network takes a tenth longer. Call it once, first
/// thing in `main`, from the thread that will train. Nothing changes where something has computed
/// before, or where there is one thread only, which must stay free for others. Results are the same
/// bytes either way.
///
/// As many threads compute as `RAYON_NUM_THREADS` says, or as the machine has cores.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
///
/// selfsame::compute_on_this_thread();
/// let ones = Tensor::<2>::ones([8, 8], &Device::flex());
/// assert_eq!(ones.clone().matmul(ones).sum().into_scalar::<f32>(), 512.0);
/// ```
pub fn compute_on_this_thread() {
    let wanted = std::env::var("RAYON_NUM_THREADS").ok().and_then(|number| number.parse().ok());
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = wanted.filter(|&number| number > 0).unwrap_or_else(cores);
    if threads > 1 {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread();
        // An error says that something has computed before.
        drop(pool.build_global());
    }
}
