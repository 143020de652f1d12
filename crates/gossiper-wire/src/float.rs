//! Floats as Python prints them.

/// Appends `x` as Python's `json.dumps` does: the shortest digits that read back as `x`, with an
/// exponent below 1e-4 and from 1e16 on. What is not finite has no JSON and becomes `null`.
pub(crate) fn write_float(out: &mut Vec<u8>, x: f64) {
    debug_assert!(x.is_finite(), "{x} has no JSON");
    if !x.is_finite() {
        return out.extend_from_slice(b"null");
    }
    // Rust prints the same shortest digits, as `d.ddde-7`; only the layout differs.
    let scientific = format!("{x:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if x.is_sign_negative() {
        out.push(b'-');
    }
    let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    if (-4..16).contains(&exponent) {
        write_positional(out, &digits, exponent);
    } else {
        write_scientific(out, &digits, exponent);
    }
}

fn write_positional(out: &mut Vec<u8>, digits: &[u8], exponent: i32) {
    let Ok(exponent) = usize::try_from(exponent) else {
        out.extend_from_slice(b"0.");
        out.extend((1..-exponent).map(|_| b'0'));
        return out.extend_from_slice(digits);
    };
    let whole_len = exponent + 1;
    for index in 0..whole_len {
        out.push(digits.get(index).copied().unwrap_or(b'0'));
    }
    out.push(b'.');
    match digits.get(whole_len..) {
        Some(fraction) if !fraction.is_empty() => out.extend_from_slice(fraction),
        _ => out.push(b'0'),
    }
}

fn write_scientific(out: &mut Vec<u8>, digits: &[u8], exponent: i32) {
    out.push(digits[0]);
    if digits.len() > 1 {
        out.push(b'.');
        out.extend_from_slice(&digits[1..]);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    out.extend_from_slice(format!("e{sign}{:02}", exponent.unsigned_abs()).as_bytes());
}

/// How many there were of one thing for each of another.
///
/// Printed as the float that Python's `/` gives, or as the integer `0` where there was nothing to
/// divide by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Quotient {
    /// What is shared out.
    pub numerator: u64,
    /// Among how many.
    pub denominator: u64,
}

impl Quotient {
    /// The quotient; 0 where the denominator is.
    pub fn value(&self) -> f64 {
        if self.denominator == 0 { 0.0 } else { self.numerator as f64 / self.denominator as f64 }
    }

    /// The simplest quotient whose value is `x`, if there is one. The integer and the float zero
    /// are told apart by the caller.
    pub(crate) fn from_value(x: f64) -> Option<Quotient> {
        if !(0.0..u64::MAX as f64).contains(&x) {
            return None;
        }
        if x == 0.0 {
            return Some(Quotient { numerator: 0, denominator: 1 });
        }
        // `x` is `dividend / divisor` exactly. Below 2^-60 no quotient of two counts is worth
        // having, and above it both fit.
        let (bits, exponent) = (x.to_bits(), (x.to_bits() >> 52) as i32 - 1075);
        let mut dividend = u128::from(bits & ((1 << 52) - 1) | 1 << 52);
        let mut divisor = 1u128;
        match exponent {
            0.. => dividend <<= exponent,
            -112..0 => divisor <<= -exponent,
            _ => return None,
        }
        // The convergents of a continued fraction are the best approximations there are.
        let (mut before, mut last) = ((0u128, 1u128), (1u128, 0u128));
        while divisor != 0 {
            let whole = dividend / divisor;
            let next = (whole * last.0 + before.0, whole * last.1 + before.1);
            let (numerator, denominator) = (u64::try_from(next.0), u64::try_from(next.1));
            let candidate = Quotient { numerator: numerator.ok()?, denominator: denominator.ok()? };
            if candidate.value() == x {
                return Some(candidate);
            }
            (before, last) = (last, next);
            (dividend, divisor) = (divisor, dividend % divisor);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(x: f64) -> String {
        let mut out = Vec::new();
        write_float(&mut out, x);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn floats_print_as_python_prints_them() {
        for (x, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (2.0, "2.0"),
            (0.5, "0.5"),
            (-1.25, "-1.25"),
            (0.1 + 0.2, "0.30000000000000004"),
            (2.0 / 3.0, "0.6666666666666666"),
            (100.0, "100.0"),
            (123456.789, "123456.789"),
            (0.0001, "0.0001"),
            (0.000123, "0.000123"),
            (0.00001, "1e-05"),
            (0.0000123, "1.23e-05"),
            (1e15, "1000000000000000.0"),
            (1234567890123456.7, "1234567890123456.8"),
            (9999999999999998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (1.5e16, "1.5e+16"),
            (1e22, "1e+22"),
            (1e100, "1e+100"),
            (1e-100, "1e-100"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (5e-324, "5e-324"),
        ] {
            assert_eq!(printed(x), expected);
        }
    }

    #[test]
    fn a_quotient_is_found_again_from_its_value() {
        for (numerator, denominator) in [
            (0, 1),
            (1, 3),
            (8, 3),
            (1, 100_000),
            (4_000_000, 3),
            (u64::MAX >> 11, 1),
            (1, 1 << 59),
        ] {
            let quotient = Quotient { numerator, denominator };
            assert_eq!(Quotient::from_value(quotient.value()), Some(quotient));
        }
        for x in [-1.0, 1e300, 1e-300, f64::NAN, f64::INFINITY] {
            assert_eq!(Quotient::from_value(x), None);
        }
    }

    #[test]
    fn nothing_among_nobody_is_zero() {
        assert_eq!(Quotient { numerator: 5, denominator: 0 }.value(), 0.0);
    }
}
