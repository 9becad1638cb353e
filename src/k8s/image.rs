//! stub
pub struct Image;
pub struct ImagePattern;
impl Image {
    pub fn parse(_: &str) -> Result<Image, String> {
        Ok(Image)
    }
}
impl ImagePattern {
    pub fn parse(_: &str) -> Result<ImagePattern, String> {
        Ok(ImagePattern)
    }
}
