use std::fs;

/// How many of a kind there are.
pub fn count(items: &[String], kind: &str) -> usize {
    let mut found = 0;
    for item in items {
        if item == kind {
            found += 1;
        }
    }
    found
}

impl Shelf {
    pub fn label(&self, size: usize) -> String {
        let mut text = String::new();
        match size {
            0 => text.push_str("empty"),
            _ => text.push_str("full"),
        }
        while text.len() < 8 {
            text.push(' ');
        }
        text
    }
}
