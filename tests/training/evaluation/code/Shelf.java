package shop;

import java.util.ArrayList;
import java.util.List;

public class Shelf {
    private final List<String> items = new ArrayList<>();

    /** How many items of a kind there are. */
    public int count(String kind) {
        int found = 0;
        for (String item : items) {
            if (item.startsWith(kind)) {
                found++;
            }
        }
        return found;
    }

    public String label(int size) {
        String text = "";
        switch (size) {
            case 0:
                text = "empty";
                break;
            default:
                text = "full";
        }
        while (text.length() < 8) {
            text += " ";
        }
        try {
            items.add(text);
        } catch (RuntimeException error) {
            text = null;
        }
        return text;
    }
}
