//! What the Secret holds, what is due, and what is to be put into it next: no clock and no network in here.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::certs::generate::{BACKDATE, IssueError};
use crate::certs::{Authority, CaCertificate, SubjectName};
use crate::server::{Pair, PairBytes, PairFiles};

/// The keys of the Secret.
const CA_BUNDLE: &str = "ca.crt";
const CA_KEY: &str = "ca.key";
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";

/// The most former CAs that stay trusted. Each replica needs one, its last; more only pile up when someone asks for new
/// ones again and again.
const FORMER_CAS: usize = 8;

/// What the certificates shall be like.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// The names that they are good for.
    pub(super) names: Vec<SubjectName>,
    /// The name among them that the API server dials.
    pub(super) dialled: String,
    /// The life of a CA, in seconds.
    pub(super) ca_life: i64,
    /// The life of a serving certificate, in seconds; never past the end of its CA.
    pub(super) certificate_life: i64,
}

/// What goes into the Secret.
pub(super) struct Contents {
    pub(super) data: BTreeMap<&'static str, Vec<u8>>,
    /// Until when former CAs stay in the bundle, in seconds since 1970.
    pub(super) former_until: Option<i64>,
    /// What was made: `serving` and `ca`.
    pub(super) made: &'static [&'static str],
}

/// What has to be done to the Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A new serving certificate from the same CA.
    Renew,
    /// A new CA, and a new serving certificate from it.
    Replace,
    /// The former CAs leave the bundle: nobody can serve a certificate of theirs any more.
    Forget,
}

/// A step and why it is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) step: Step,
    pub(super) reason: String,
}

/// A Secret with a CA that can sign.
pub(super) struct Kept {
    authority: Authority,
    /// All trusted CAs, the signing one first.
    cas: Vec<CaCertificate>,
    ca_since: i64,
    former_until: Option<i64>,
    /// The serving certificate, or why it cannot be served.
    pub(super) pair: Result<Pair, String>,
    pair_since: i64,
}

impl Kept {
    /// Reads the Secret's data.
    ///
    /// # Errors
    /// When there is no CA in it that can sign: then all must be made anew.
    pub(super) fn read<'a>(
        get: impl Fn(&str) -> Option<&'a [u8]>,
        former_until: Option<i64>,
        wanted: &Wanted,
        now: i64,
    ) -> Result<Self, String> {
        let part = |key: &str| get(key).ok_or_else(|| format!("it has no {key}"));
        let text = |key: &str| {
            part(key).and_then(|bytes| std::str::from_utf8(bytes).map_err(|_| format!("{key} is not text")))
        };
        let cas = CaCertificate::all(part(CA_BUNDLE)?);
        let Some(signing) = cas.first() else {
            return Err(format!("{CA_BUNDLE} holds no CA certificate"));
        };
        let authority = Authority::from_pem(&signing.pem, text(CA_KEY)?).map_err(|error| error.to_string())?;
        let (ca_since, ca_ends) = (not_before(&signing.pem)? + BACKDATE, signing.not_after);
        if ca_ends <= now {
            return Err("its CA has ended".to_owned());
        }
        let (pair, pair_since) = match read_pair(&part, &signing.pem, wanted, now) {
            Ok((pair, since)) => (Ok(pair), since),
            Err(reason) => (Err(reason), 0),
        };
        Ok(Self {
            authority,
            cas,
            ca_since,
            former_until,
            pair,
            pair_since,
        })
    }

    /// The `caBundle` that belongs to it, as PEM.
    pub(super) fn bundle(&self) -> String {
        self.cas.iter().map(|ca| ca.pem.as_str()).collect()
    }

    /// The certificate of the CA that signs, as PEM.
    pub(super) fn ca(&self) -> &str {
        self.authority.certificate()
    }

    /// Whether a former CA is still trusted.
    pub(super) fn has_former_cas(&self) -> bool {
        self.cas.len() > 1
    }

    /// The end of the signing CA's life.
    pub(super) fn ca_ends(&self) -> i64 {
        self.cas.first().map_or(0, |ca| ca.not_after)
    }

    /// What must be done now. Certificates are renewed when a third of their life is left, by the wall clock: a machine
    /// that has slept finds on waking what has come due. A CA is replaced only where the configurations can be told of it:
    /// without them the next certificate, from a CA that nobody trusts, could not be served.
    pub(super) fn due(&self, now: i64, may_replace: bool) -> Option<Due> {
        let due = |step, reason: &str| {
            Some(Due {
                step,
                reason: reason.to_owned(),
            })
        };
        if may_replace && now >= last_third(self.ca_since, self.ca_ends()) {
            return due(Step::Replace, "less than a third of the CA's life is left");
        }
        match &self.pair {
            Err(reason) => due(Step::Renew, reason),
            Ok(pair) if now >= last_third(self.pair_since, pair.not_after) => {
                due(Step::Renew, "less than a third of the certificate's life is left")
            }
            Ok(_) if self.has_former_cas() && self.cas.iter().skip(1).all(|ca| now >= self.forgotten_at(ca)) => {
                due(Step::Forget, "the last certificate of a former CA has ended")
            }
            Ok(_) => None,
        }
    }

    /// When something will be due by the clock alone.
    pub(super) fn due_at(&self) -> i64 {
        let pair = self
            .pair
            .as_ref()
            .map_or(0, |pair| last_third(self.pair_since, pair.not_after));
        pair.min(last_third(self.ca_since, self.ca_ends()))
    }

    fn forgotten_at(&self, former: &CaCertificate) -> i64 {
        self.former_until.unwrap_or(i64::MAX).min(former.not_after)
    }

    /// Does a step.
    pub(super) fn step(&self, step: Step, wanted: &Wanted, now: i64) -> Result<Contents, IssueError> {
        if step == Step::Replace {
            let ends = self.pair.as_ref().map_or(self.ca_ends(), |pair| pair.not_after);
            let until = ends.max(self.former_until.unwrap_or(0));
            return replace(wanted, now, &self.cas, until);
        }
        let former = match step {
            Step::Forget => [].as_slice(),
            _ => self.cas.get(1..).unwrap_or_default(),
        };
        let former_until = self.former_until.filter(|_| !former.is_empty());
        sign(&self.authority, self.ca_ends(), former, former_until, wanted, now)
    }
}

/// A new CA and a new certificate. `trusted` stay in the bundle until the end of `until`, or of their own life.
pub(super) fn replace(
    wanted: &Wanted,
    now: i64,
    trusted: &[CaCertificate],
    until: i64,
) -> Result<Contents, IssueError> {
    let ends = now.saturating_add(wanted.ca_life);
    let authority = Authority::make(time(now), time(ends))?;
    let former: Vec<_> = trusted
        .iter()
        .filter(|ca| ca.not_after > now)
        .take(FORMER_CAS)
        .cloned()
        .collect();
    let former_until = (!former.is_empty()).then_some(until);
    let mut contents = sign(&authority, ends, &former, former_until, wanted, now)?;
    contents.made = &["ca", "serving"];
    Ok(contents)
}

fn sign(
    authority: &Authority,
    ca_ends: i64,
    former: &[CaCertificate],
    former_until: Option<i64>,
    wanted: &Wanted,
    now: i64,
) -> Result<Contents, IssueError> {
    let ends = now.saturating_add(wanted.certificate_life).min(ca_ends);
    let (certificate, key) = authority.sign(&wanted.names, time(now), time(ends))?;
    let bundle = former
        .iter()
        .fold(authority.certificate().to_owned(), |bundle, ca| bundle + &ca.pem);
    Ok(Contents {
        data: BTreeMap::from([
            (CA_BUNDLE, bundle.into_bytes()),
            (CA_KEY, authority.key().into_bytes()),
            (CERTIFICATE, certificate.into_bytes()),
            (KEY, key.into_bytes()),
        ]),
        former_until,
        made: &["serving"],
    })
}

/// The serving certificate and when it was issued. It must be one that clients of its CA accept.
fn read_pair<'a>(
    part: &impl Fn(&str) -> Result<&'a [u8], String>,
    ca: &str,
    wanted: &Wanted,
    now: i64,
) -> Result<(Pair, i64), String> {
    let files = PairFiles {
        certificate: CERTIFICATE.into(),
        key: KEY.into(),
    };
    let bytes = PairBytes {
        certificate: part(CERTIFICATE)?.to_vec(),
        key: part(KEY)?.to_vec(),
    };
    let pair = files.check(&bytes, now).map_err(|error| error.to_string())?;
    pair.trusted_by(ca.as_bytes(), &wanted.dialled, now)
        .map_err(|refusal| format!("{CERTIFICATE} does not fit its CA: {refusal}"))?;
    let text = std::str::from_utf8(&bytes.certificate).map_err(|_| format!("{CERTIFICATE} is not text"))?;
    Ok((pair, not_before(text)? + BACKDATE))
}

/// From when on a third or less of a life is left.
fn last_third(since: i64, ends: i64) -> i64 {
    ends - (ends - since).max(0) / 3
}

/// The first second of the first certificate's life.
fn not_before(pem: &str) -> Result<i64, String> {
    let unreadable = "a certificate cannot be read";
    let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).map_err(|_| unreadable)?;
    let certificate = block.parse_x509().map_err(|_| unreadable)?;
    Ok(certificate.validity().not_before.timestamp())
}

/// Times past what can be written end with what can be.
fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
