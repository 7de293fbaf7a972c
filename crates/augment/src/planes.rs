//! Borrowed planes of an image.

/// Red, green and blue planes of an image or of some of its rows.
#[derive(Debug)]
pub(crate) struct Planes<'a> {
    pub(crate) height: usize,
    pub(crate) width: usize,
    channels: [&'a mut [f32]; 3],
}

impl<'a> Planes<'a> {
    /// Splits `data` into planes.
    ///
    /// # Panics
    /// If `data` does not hold three planes.
    #[track_caller]
    pub(crate) fn new(height: usize, width: usize, data: &'a mut [f32]) -> Self {
        let plane = height * width;
        assert_eq!(data.len(), 3 * plane, "three planes of {height} × {width}");
        let (red, rest) = data.split_at_mut(plane);
        let (green, blue) = rest.split_at_mut(plane);
        Self { height, width, channels: [red, green, blue] }
    }

    /// Borrows the three planes.
    pub(crate) fn channels(&mut self) -> [&mut [f32]; 3] {
        self.channels.each_mut().map(|channel| &mut **channel)
    }

    /// Returns the three planes.
    pub(crate) fn into_channels(self) -> [&'a mut [f32]; 3] {
        self.channels
    }

    /// Borrows `count` rows from `first` on.
    pub(crate) fn rows(&mut self, first: usize, count: usize) -> Planes<'_> {
        let width = self.width;
        let channels = self.channels().map(|plane| &mut plane[first * width..][..count * width]);
        Planes { height: count, width, channels }
    }
}
