// SPDX-License-Identifier: GPL-2.0-only
//! A bucket as people name it: by number, or by a sector in it.

use crate::fs::Fs;
use std::fmt;
use std::str::FromStr;

/// `DEV:BUCKET`, or `DEV:@SECTOR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Index of the member.
    pub dev: u8,
    /// What is counted in it.
    pub at: At,
}

/// Where on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Number of a bucket.
    Bucket(u64),
    /// A sector of 512 bytes.
    Sector(u64),
}

/// Why there is no such bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlaceError {
    /// Not of the form `DEV:BUCKET` or `DEV:@SECTOR`.
    Form(String),
    /// No member has that index.
    NoDevice {
        /// The index.
        dev: u8,
        /// Those that there are.
        members: Vec<u8>,
    },
    /// The device is smaller.
    PastEnd {
        /// The device.
        dev: u8,
        /// The bucket.
        bucket: u64,
        /// Number of its buckets.
        nbuckets: u64,
    },
}

impl fmt::Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(s) => write!(
                f,
                "'{s}' is no bucket: write DEV:BUCKET (0:38) or DEV:@SECTOR (0:@4864), \
                 with the index of the member"
            ),
            Self::NoDevice { dev, members } => {
                let list: Vec<String> = members.iter().map(u8::to_string).collect();
                write!(f, "there is no member {dev}; members: {}", list.join(", "))
            }
            Self::PastEnd { dev, bucket, nbuckets } => {
                write!(f, "member {dev} has {nbuckets} buckets; there is no bucket {bucket}")
            }
        }
    }
}

impl std::error::Error for PlaceError {}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(s: &str) -> Result<Self, PlaceError> {
        let form = || PlaceError::Form(s.into());
        let (dev, at) = s.split_once(':').ok_or_else(form)?;
        let dev = dev.parse().map_err(|_| form())?;
        let number = |s: &str| s.parse::<u64>().map_err(|_| form());
        let at = match at.strip_prefix('@') {
            Some(sector) => At::Sector(number(sector)?),
            None => At::Bucket(number(at)?),
        };
        Ok(Self { dev, at })
    }
}

impl Place {
    /// The device and bucket of a file system.
    ///
    /// # Errors
    /// There is no such device or bucket.
    pub fn find(self, fs: &Fs) -> Result<(u8, u64), PlaceError> {
        let Some(dev) = fs.device(self.dev) else {
            let members = fs.members().map(|(i, _)| i).collect();
            return Err(PlaceError::NoDevice { dev: self.dev, members });
        };
        let bucket = match self.at {
            At::Bucket(b) => b,
            At::Sector(s) => dev.geometry().bucket_nr(s),
        };
        let nbuckets = dev.member.nbuckets;
        if bucket >= nbuckets {
            return Err(PlaceError::PastEnd { dev: self.dev, bucket, nbuckets });
        }
        Ok((self.dev, bucket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Oracle: the two forms of the module's first line.
    #[test]
    fn forms() {
        assert_eq!("0:38".parse(), Ok(Place { dev: 0, at: At::Bucket(38) }));
        assert_eq!("3:@4864".parse(), Ok(Place { dev: 3, at: At::Sector(4864) }));
        for bad in [
            "",
            "38",
            "0:",
            "0:@",
            ":1",
            "0:-1",
            "256:1",
            "a.img",
            "0:1:2",
            "0:18446744073709551616",
        ] {
            assert_eq!(bad.parse::<Place>(), Err(PlaceError::Form(bad.into())), "{bad}");
        }
    }
}
