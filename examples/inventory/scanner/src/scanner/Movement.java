package scanner;

import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;

/** Units that came (positive) or went (negative), as the journal of the inventory has them. */
public record Movement(String sku, int units, OffsetDateTime at, String reason) {

    public static Movement received(String sku, int units) {
        return new Movement(sku, units, now(), "delivery");
    }

    public static Movement shipped(String sku, int units) {
        return new Movement(sku, -units, now(), "order");
    }

    public static Movement damaged(String sku, int units) {
        return new Movement(sku, -units, now(), "damaged");
    }

    /** One line of the journal, without its end. */
    public String toJson() {
        return "{\"sku\": " + quoted(sku)
                + ", \"units\": " + units
                + ", \"at\": " + quoted(at.format(DateTimeFormatter.ISO_OFFSET_DATE_TIME))
                + ", \"reason\": " + quoted(reason)
                + "}";
    }

    private static OffsetDateTime now() {
        return OffsetDateTime.now(ZoneOffset.UTC).truncatedTo(ChronoUnit.SECONDS);
    }

    private static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            switch (c) {
                case '"' -> json.append("\\\"");
                case '\\' -> json.append("\\\\");
                case '\n' -> json.append("\\n");
                case '\t' -> json.append("\\t");
                default -> {
                    if (c < ' ') {
                        json.append(String.format("\\u%04x", (int) c));
                    } else {
                        json.append(c);
                    }
                }
            }
        }
        return json.append('"').toString();
    }
}
