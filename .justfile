# One line a recipe. `.ci/run` runs them in its order and prints the time of each.

# Everything CI checks.
ci:
    .ci/run

# Formatting.
fmt:
    cargo fmt --all --check
    rustfmt --check --edition 2024 crates/augment/src/operator/*.rs

# The words of the field in place of words of our own.
words:
    .ci/words

# Spelling, American; needs typos.
spelling:
    typos

# Every test, with the doc-tests.
test:
    cargo test --workspace --locked

# What we write for TensorBoard, read by TensorBoard from PyPI; needs Python.
tensorboard:
    .ci/tensorboard

# The index with all its features, and what it exports, read by other tools from PyPI; needs Python.
embeddings:
    .ci/embeddings

# A report in headless Chromium, where that is installed; needs Python.
report:
    .ci/report

# Weights from and to PyTorch's libraries, and ONNX; needs Python, and some gigabytes from PyPI.
weights:
    .ci/weights

# The program, small, in the profile of the tests.
example out="target/ci/pretrain":
    cargo run --locked --bin selfsame -- pretrain --quick --overwrite --out {{ out }}

# Clippy, warnings denied.
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# The documentation, warnings denied.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# Each crate by itself, and what it pulls in.
alone:
    .ci/alone

# The declared minimum of Rust.
msrv:
    .ci/msrv

# What would be published.
package:
    cargo package --workspace --exclude selfsame-examples --exclude selfsame-benches --locked --no-verify --allow-dirty --quiet

# Another backend beside the CPU's, on a GPU in software: it computes the same, and learns.
gpu out="target/ci/gpu.json":
    .ci/software-gpu {{ out }}

# Benchmarks whose name contains FILTER; more arguments go to criterion.
bench filter="" *args:
    cargo bench -- {{ filter }} {{ args }}

# Licenses, sources and advisories of all dependencies; needs cargo-deny and the network.
deny:
    cargo deny check
