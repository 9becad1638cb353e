//! Any two texts as an image reference and a pattern: a reference has a repository, and matching ends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use raygate::k8s::image::{Image, ImagePattern};

fuzz_target!(|texts: (&str, &str)| {
    let (reference, pattern) = texts;
    let image = Image::parse(reference);
    if let Ok(image) = &image {
        assert!(!image.registry().is_empty() && !image.repository().is_empty());
    }
    if let (Ok(image), Ok(pattern)) = (&image, ImagePattern::parse(pattern)) {
        let _ = pattern.matches(image);
    }
});
