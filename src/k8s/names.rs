//! stub
pub fn dns_1035_label(_: &str) -> Result<(), String> {
    Ok(())
}
pub fn dns_1123_label(_: &str) -> Result<(), String> {
    Ok(())
}
pub fn dns_1123_subdomain(_: &str) -> Result<(), String> {
    Ok(())
}
pub fn label_key(_: &str) -> Result<(), String> {
    Ok(())
}
pub fn label_value(_: &str) -> Result<(), String> {
    Ok(())
}
pub fn is_gpu_key(key: &str, _mig: bool) -> bool {
    key.ends_with("gpu")
}
