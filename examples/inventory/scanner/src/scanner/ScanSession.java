package scanner;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Counts what a handheld scanner reads until the delivery is complete, then adds it to the journal. */
public final class ScanSession {

    private final Map<Barcode, String> skuByBarcode;
    private final Map<String, Integer> unitsBySku = new LinkedHashMap<>();
    private final List<Barcode> unknown = new ArrayList<>();

    public ScanSession(Map<Barcode, String> skuByBarcode) {
        this.skuByBarcode = Map.copyOf(skuByBarcode);
    }

    /** Counts one unit; returns false for a barcode that no product has. */
    public boolean scan(Barcode barcode) {
        String sku = skuByBarcode.get(barcode);
        if (sku == null) {
            unknown.add(barcode);
            return false;
        }
        unitsBySku.merge(sku, 1, Integer::sum);
        return true;
    }

    public int units(String sku) {
        return unitsBySku.getOrDefault(sku, 0);
    }

    public List<Barcode> unknown() {
        return List.copyOf(unknown);
    }

    public List<Movement> movements() {
        return unitsBySku.entrySet().stream()
                .map(entry -> Movement.received(entry.getKey(), entry.getValue()))
                .toList();
    }

    /** Appends the movements to the journal and starts over. */
    public void finish(Path journal) throws IOException {
        List<String> lines = movements().stream().map(Movement::toJson).toList();
        Files.write(
                journal,
                lines,
                StandardCharsets.UTF_8,
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
        unitsBySku.clear();
        unknown.clear();
    }
}
