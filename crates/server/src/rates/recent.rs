//! A map of bounded size that forgets what was not asked for the longest.

use std::collections::HashMap;
use std::hash::Hash;

/// Keys that were used, in two generations: when the younger is full it becomes the elder, and
/// what is still in the elder then is forgotten. So whatever is among the last half of the
/// capacity to be used is there, and nothing is searched or moved to keep it so.
pub(super) struct Recent<K, V> {
    younger: HashMap<K, V>,
    elder: HashMap<K, V>,
    /// Most keys of a generation.
    most: usize,
}

impl<K: Hash + Eq + Copy, V> Recent<K, V> {
    pub(super) fn of(capacity: usize) -> Self {
        Self {
            younger: HashMap::new(),
            elder: HashMap::new(),
            most: capacity / 2,
        }
    }

    /// What is kept for a key, which is used by that.
    pub(super) fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        if !self.younger.contains_key(&key) {
            let value = self.elder.remove(&key).unwrap_or_else(make);
            if self.younger.len() >= self.most {
                self.elder = std::mem::take(&mut self.younger);
            }
            return self.younger.entry(key).insert_entry(value).into_mut();
        }
        self.younger.entry(key).or_insert_with(make)
    }

    /// What is kept for a key; it counts as no use.
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.younger.get(key).or_else(|| self.elder.get(key))
    }

    /// Keeps only what is still wanted, and gives the memory back.
    pub(super) fn retain(&mut self, is_wanted: impl Fn(&V) -> bool) {
        for generation in [&mut self.younger, &mut self.elder] {
            generation.retain(|_, value| is_wanted(value));
            generation.shrink_to_fit();
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.younger.len() + self.elder.len()
    }
}
