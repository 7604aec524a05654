package scanner;

/** An EAN-13 barcode: twelve digits and a check digit. */
public record Barcode(String digits) {

    private static final int LENGTH = 13;

    public Barcode {
        if (digits.length() != LENGTH || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
            throw new IllegalArgumentException("a barcode has 13 digits: " + digits);
        }
        if (checkDigit(digits) != digits.charAt(LENGTH - 1) - '0') {
            throw new IllegalArgumentException("wrong check digit: " + digits);
        }
    }

    /** The barcode that begins with these twelve digits. */
    public static Barcode of(String firstTwelve) {
        return new Barcode(firstTwelve + checkDigit(firstTwelve));
    }

    /** The number of the company that issued the code, the country's prefix included. */
    public String companyPrefix() {
        return digits.substring(0, 7);
    }

    public String itemReference() {
        return digits.substring(7, 12);
    }

    /** Weights 1 and 3 alternate; the check digit fills the sum up to a multiple of ten. */
    private static int checkDigit(String digits) {
        int sum = 0;
        for (int i = 0; i < LENGTH - 1; i++) {
            int digit = digits.charAt(i) - '0';
            sum += i % 2 == 0 ? digit : 3 * digit;
        }
        return (10 - sum % 10) % 10;
    }

    @Override
    public String toString() {
        return digits;
    }
}
